"""Values that look like keys and passwords, by what issuers publish or by their names; a name alone only warns."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from flash_jupyter.errors import SecretFoundError

#: what a whole value looks like -> what it is; the prefixes are those that the issuers publish
KINDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in [
        (r"sk-ant-[\w-]{20,}", "an Anthropic API key"),
        (r"sk-[\w-]{20,}", "an OpenAI API key"),
        (r"(sk|rk)_live_\w{16,}", "a Stripe key"),
        (r"gh[pousr]_\w{30,}", "a GitHub token"),
        (r"github_pat_\w{22,}", "a GitHub token"),
        (r"glpat-[\w-]{20,}", "a GitLab token"),
        (r"hf_[A-Za-z0-9]{20,}", "a Hugging Face token"),
        (r"(AKIA|ASIA)[A-Z0-9]{16}", "an AWS access key"),
        (r"xox[abeoprs]-[\w-]{10,}", "a Slack token"),
        (r"rpa_[A-Za-z0-9]{20,}", "a Runpod API key"),
        (r"AIza[\w-]{35}", "a Google API key"),
        (r"pypi-[\w-]{50,}", "a PyPI token"),
        (r"npm_[A-Za-z0-9]{36}", "an npm token"),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*", "a private key"),
        (r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+", "a JSON web token"),
        (r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@\S+", "an address with a password"),
    ]
)
#: the same, within a longer text: not in the middle of a word
_WITHIN = tuple((re.compile(rf"(?<![A-Za-z]){pattern.pattern}"), kind) for pattern, kind in KINDS)
_WORDS = frozenset(
    {"apikey", "credential", "credentials", "passphrase", "passwd", "password", "pwd", "secret", "token"}
)
_PAIRS = frozenset({("access", "key"), ("api", "key"), ("auth", "key"), ("private", "key"), ("secret", "key")})
#: of a captured dict, so many entries are looked at
_ENTRIES = 1_000
#: characters of a value that may be a secret: longer ones are data
_LONGEST = 8192
#: characters that a random value has at least
_RANDOM_LENGTH = 16
#: bits a character; random hexadecimal digits come near 4
_RANDOM_BITS = 3.2


def find_secrets(values: Mapping[str, Any]) -> Iterator[SecretFoundError | str]:
    """Yield an error for each value that looks like a secret, and a warning for a name that only sounds like one."""
    for name, where, text in _texts(values):
        kind = secret_kind(text, where or name)
        if kind is not None:
            yield SecretFoundError(name, f"{kind} (in [{where!r}])" if where else kind)
        elif text and sounds_secret(where or name):
            place = f"{name}[{where!r}]" if where else name
            yield f"`{place}` sounds like a secret, and travels with the cell; drop={name} leaves it here"


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, key or "", text) of the strings, and of those one level down in dicts."""
    for name, value in values.items():
        if type(value) is str:
            yield name, "", value
        elif type(value) is dict and len(value) <= _ENTRIES:
            yield from ((name, str(key), text) for key, text in value.items() if type(text) is str)


def secret_kind(value: str, name: str = "") -> str | None:
    """Say what secret a value looks like, or None; `name` is what it is called.

    >>> secret_kind("hf_" + "a1B2" * 8)
    'a Hugging Face token'
    >>> secret_kind("Zq81nPx0LmR7vT2c"), secret_kind("Zq81nPx0LmR7vT2c", "DB_PASSWORD")
    (None, 'a secret (a random value under a name like that)')
    """
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    for pattern, kind in KINDS:
        if pattern.fullmatch(text):
            return kind
    return "a secret (a random value under a name like that)" if sounds_secret(name) and _is_random(text) else None


def secret_within(text: str) -> str | None:
    """Say what secret stands somewhere in a text, or None: only those that issuers' prefixes tell.

    >>> secret_within("log in with hf_" + "a1B2" * 8 + ", please"), secret_within("task-management-of-a-long-name")
    ('a Hugging Face token', None)
    """
    return next((kind for pattern, kind in _WITHIN if pattern.search(text)), None)


def sounds_secret(name: str) -> bool:
    """Whether something called so is usually a secret.

    >>> sounds_secret("OPENAI_API_KEY"), sounds_secret("dbPassword"), sounds_secret("max_tokens"), sounds_secret("key")
    (True, True, False, False)
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return not _WORDS.isdisjoint(words) or not _PAIRS.isdisjoint(pairwise(words))


def _is_random(text: str) -> bool:
    if len(text) < _RANDOM_LENGTH or re.search(r"\s", text):
        return False
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) >= _RANDOM_BITS
