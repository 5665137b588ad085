"""What is checked here, in milliseconds, before anything is provisioned or sent: names, secrets, imports, classes.

A value whose class was defined again after it was made is known by no `isinstance` of the new class (need 19).
"""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from flash_jupyter.capture import packages
from flash_jupyter.capture.namespace import Capture
from flash_jupyter.capture.secrets import find_secrets
from flash_jupyter.capture.values import with_held
from flash_jupyter.capture.versions import skew_warnings
from flash_jupyter.errors import CaptureError, SecretFoundError, UndefinedNameError

#: modules that a worker without them has a stand-in for, with what makes sense there
STOOD_IN_FOR = {"IPython"}


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
    found = list(find_secrets(capture.values))
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
