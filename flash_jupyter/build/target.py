"""What bundles are made for: CPython on linux x86_64 (the published images), whatever machine builds them."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.markers import Marker

#: the newest glibc that wheels may ask for (flash-wire.md 6.4), as uv and as wheels' tags spell it
GLIBC = (2, 28)
UV_PLATFORM = f"x86_64-manylinux_{GLIBC[0]}_{GLIBC[1]}"
#: older pips don't know that a newer glibc runs what an older one asks for, so each is named; newest first
PIP_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC[1], 4, -1)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)


def applies(marker: Marker | None, python: str, extra: str = "") -> bool:
    """Whether a requirement's marker holds on a worker of this Python.

    >>> applies(Marker("sys_platform == 'win32'"), "3.12"), applies(Marker("python_version < '3.11'"), "3.10")
    (False, True)
    """
    return marker is None or marker.evaluate({**environment(python), "extra": extra})


def environment(python: str) -> Mapping[str, str]:
    """Return the values of environment markers on a worker; its patch release is not known, 0 is taken."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
