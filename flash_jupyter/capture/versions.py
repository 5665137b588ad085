"""Whether a library has a version over there that can read what travels, and here one for what comes back (need 7).

Here a library says its version itself; over there it is what `deps=` asks for, or what a worker has told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from flash_jupyter.capture.packages import distributions_of
from flash_jupyter.capture.values import with_held


def libraries_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the libraries whose objects are among the values, each with the first name that holds one.

    >>> import fractions, decimal
    >>> libraries_of({"x": 1, "when": decimal.Decimal(1), "half": [fractions.Fraction(1, 2)]})
    {}
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        for part in with_held(value, 20):
            library = type(part).__module__.partition(".")[0]
            if library not in found and library not in sys.stdlib_module_names and version_of(library):
                found[library] = name
    return found


def version_of(library: str) -> str:
    """Return the version that a loaded module says it has; empty where it says none."""
    return str(getattr(sys.modules.get(library), "__version__", "") or "")


def skew_warnings(values: Mapping[str, Any], deps: Iterable[str], told: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each library whose objects may not be readable over there.

    `told` are the versions that a worker of the endpoint has told. What `deps=` asks for goes before it; an exact match
    is not wanted, only the same major version, or one that `deps=` allows.
    """
    wanted = dict(_declared(deps))
    for library, name in libraries_of(values).items():
        here = version_of(library)
        asked = next((wanted[each] for each in distributions_of(library) if each in wanted), None)
        if asked is not None:
            if asked.specifier and not _allows(asked, here):
                yield _skew(name, library, here, f"deps= asks for {asked}")
        elif _major(told.get(library, here)) != _major(here):
            yield _skew(name, library, here, f"the worker has {library} {told[library]}")


def differences(there: Mapping[str, str], here: Mapping[str, str] | None = None) -> list[str]:
    """Say which libraries have another version over there than here.

    >>> differences({"python": "3.12", "numpy": "2.1.0"}, {"python": "3.12", "numpy": "1.26.4"})
    ['numpy is 2.1.0 on the worker and 1.26.4 here']
    """
    mine = here if here is not None else {name: version_of(name) for name in there}
    return [
        f"{name} is {theirs} on the worker and {mine[name]} here"
        for name, theirs in there.items()
        if mine.get(name) and mine[name] != theirs
    ]


def _skew(name: str, library: str, here: str, there: str) -> str:
    return f"`{name}` is an object of {library} {here}, and {there}: one may not read what the other wrote"


def _declared(deps: Iterable[str]) -> Iterator[tuple[str, Requirement]]:
    for dep in deps:
        try:
            requirement = Requirement(dep)
        except InvalidRequirement:  # an address or a path says no version
            continue
        yield str(canonicalize_name(requirement.name)), requirement


def _allows(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def _major(version: str) -> str:
    return version.partition(".")[0]
