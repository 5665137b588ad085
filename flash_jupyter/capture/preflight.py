"""What is checked here, in milliseconds, before anything is provisioned or sent: names, secrets, imports, classes.

A value whose class was defined again after it was made is known by no `isinstance` of the new class (need 19).
"""

from __future__ import annotations

import builtins
import difflib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from flash_jupyter.capture import packages
from flash_jupyter.capture.namespace import Capture
from flash_jupyter.capture.packages import skew_warnings
from flash_jupyter.capture.values import with_held
from flash_jupyter.errors import CaptureError, SecretFoundError, UndefinedNameError

#: modules that a worker without them has a stand-in for, with what makes sense there
STOOD_IN_FOR = {"IPython"}
#: of a captured dict, so many entries are looked at
_ENTRIES = 1_000


def passed(found: tuple[list[CaptureError], list[str]]) -> list[str]:
    """Return the warnings that `look` found, or raise the first of its problems."""
    problems, warnings = found
    if problems:
        raise problems[0]
    return warnings


def look(
    capture: Capture,
    *,
    namespace: Mapping[str, Any],
    deps: Collection[str],
    image_family: str,
    python: str,
    told: Mapping[str, str] | None = None,
) -> tuple[list[CaptureError], list[str]]:
    """Return what must not be sent, `UndefinedNameError`s and `SecretFoundError`s, and warnings of one sentence each.

    `image_family`: "gpu" or "cpu" of `base_images.json`; anything else is an image of which nothing is known, and
    imports are not judged. `python`: the worker's, as "3.12". `told`: versions of libraries that a worker of the
    endpoint has told.
    """
    problems: list[CaptureError] = []
    if capture.undefined:
        problems.append(UndefinedNameError(capture.undefined, suggestions=_suggest(capture.undefined, namespace)))
    found = list(_secrets(capture.values))
    problems += [each for each in found if isinstance(each, SecretFoundError)]
    warnings = [each for each in found if isinstance(each, str)]
    warnings += [stale_warning(name, cls) for name, cls in stale_classes(capture.values, namespace).items()]
    warnings += skew_warnings(capture.values, deps, told or {})
    missing = undeclared(capture.imports, deps, image_family, python)
    if missing:
        warnings.append(_imports_warning(missing, packages.image_name(image_family)))
    return problems, warnings


def name_warnings(
    capture: Capture, *, namespace: Mapping[str, Any], out: Collection[str] = (), drop: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each name in `out=` or `drop=` that nothing answers to.

    Where the code looks into its own namespace, or imports `*`, any name may be meant, and nothing is said.
    """
    names = capture.names
    if names.reflects or names.stars:
        return []
    given = capture.values.keys() | names.binds
    warnings = [f"out={name}: the cell binds no `{name}`{_near(name, given)}" for name in out if name not in given]
    known = given | names.reads.keys() | namespace.keys()
    return warnings + [
        f"drop={name}: there is no `{name}` to leave here{_near(name, known)}" for name in drop if name not in known
    ]


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean `{found[0]}`?" if found else ""


def _suggest(names: Iterable[str], namespace: Mapping[str, Any]) -> dict[str, str]:
    known = [name for name in namespace if not name.startswith("_")] + dir(builtins)
    near = {name: difflib.get_close_matches(name, known, n=1) for name in names}
    return {name: found[0] for name, found in near.items() if found}


def _secrets(values: Mapping[str, Any]) -> Iterator[SecretFoundError | str]:
    """Yield an error for each value that looks like a secret, and a warning for a name that only sounds like one."""
    for name, where, text in _texts(values):
        kind = kind_of(text, where or name)
        if kind is not None:
            yield SecretFoundError(name, f"{kind} (in [{where!r}])" if where else kind)
        elif text and is_suspicious(where or name):
            place = f"{name}[{where!r}]" if where else name
            yield f"`{place}` sounds like a secret, and travels with the cell; drop={name} leaves it here"


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, key or "", text) of the strings, and of those one level down in dicts."""
    for name, value in values.items():
        if type(value) is str:
            yield name, "", value
        elif type(value) is dict and len(value) <= _ENTRIES:
            yield from ((name, str(key), text) for key, text in value.items() if type(text) is str)


def undeclared(imports: Iterable[str], deps: Iterable[str], family: str, python: str) -> dict[str, str]:
    """Return the modules that neither the image nor `deps` bring: module -> distribution to declare."""
    present = packages.in_image(family, python)
    missing = sorted(set(imports) - present - STOOD_IN_FOR) if present is not None else []
    if not missing:
        return {}
    brought = packages.brought_by(deps)
    named = {module: packages.distributions_of(module) for module in missing}
    return {module: names[0] for module, names in named.items() if brought.isdisjoint(names)}


def _imports_warning(undeclared: Mapping[str, str], image: str) -> str:
    listed = ", ".join(f"`{module}`" for module in undeclared)
    deps = ",".join(dict.fromkeys(undeclared.values()))
    verb = "is" if len(undeclared) == 1 else "are"
    return f"{listed} {verb} neither in deps= nor in the worker's image {image}; add deps={deps}"


def stale_classes(values: Mapping[str, Any], namespace: Mapping[str, Any]) -> dict[str, str]:
    """Return the names whose value, or an element of it, is of a class that was defined again since: name -> class.

    >>> space = {"__name__": "__main__", "A": type("A", (), {"__module__": "__main__"})}
    >>> old = type("A", (), {"__module__": "__main__"})()
    >>> stale_classes({"a": old, "b": space["A"](), "c": [old]}, space)
    {'a': 'A', 'c': 'A'}
    """
    found = {name: next(_stale(value, namespace), "") for name, value in values.items()}
    return {name: cls for name, cls in found.items() if cls}


def stale_warning(name: str, cls: str) -> str:
    """Say what such a value is, and what to do about it."""
    return (
        f"`{name}` was made with an earlier `{cls}`, which the notebook has defined again since: the new one does not"
        " know it as its own; make it again"
    )


def _stale(value: Any, namespace: Mapping[str, Any]) -> Iterator[str]:
    for each in with_held(value, 100):
        cls = type(each)
        if cls.__module__ == namespace.get("__name__"):
            now = namespace.get(cls.__name__)
            if isinstance(now, type) and now is not cls and now.__qualname__ == cls.__qualname__:
                yield cls.__name__


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
