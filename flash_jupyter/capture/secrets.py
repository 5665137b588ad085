"""What looks like a secret: by its known prefix, or by a suspicious name that holds something random."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

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
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*", "a private key"),
        (r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+", "a JSON web token"),
        (r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@\S+", "an address with a password"),
    ]
)
_WORDS = frozenset(
    {"apikey", "credential", "credentials", "passphrase", "passwd", "password", "pwd", "secret", "token"}
)
_PAIRS = frozenset({("access", "key"), ("api", "key"), ("auth", "key"), ("private", "key"), ("secret", "key")})
_LONGEST = 8192
_RANDOM_LENGTH = 16
#: bits a character; English is below 3 in strings of this length's alphabet use, hexadecimal digits reach 4
_RANDOM_BITS = 3.2


def kind_of(value: str, name: str = "") -> str | None:
    """Say what secret a value looks like, or None; `name` is what it is called.

    >>> kind_of("hf_" + "a1B2" * 8)
    'a Hugging Face token'
    >>> kind_of("Zq81nPx0LmR7vT2c"), kind_of("Zq81nPx0LmR7vT2c", "DB_PASSWORD")
    (None, 'a secret (a random value under a name like that)')
    """
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    for pattern, kind in KINDS:
        if pattern.fullmatch(text):
            return kind
    return "a secret (a random value under a name like that)" if is_suspicious(name) and _is_random(text) else None


def is_suspicious(name: str) -> bool:
    """Whether something called so is usually a secret.

    >>> is_suspicious("OPENAI_API_KEY"), is_suspicious("dbPassword"), is_suspicious("max_tokens"), is_suspicious("key")
    (True, True, False, False)
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    return not _WORDS.isdisjoint(words) or not _PAIRS.isdisjoint(pairwise(words))


def _is_random(text: str) -> bool:
    if len(text) < _RANDOM_LENGTH or re.search(r"\s", text):
        return False
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) >= _RANDOM_BITS
