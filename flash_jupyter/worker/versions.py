"""Versions of libraries in this process: told with every answer, and compared with the notebook's after a failure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

#: libraries whose objects come home, and whose pickles depend on their version
LIBRARIES = ("cloudpickle", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch")


def loaded_versions(asked: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of what is loaded here, of `asked` and the usual libraries."""
    found = {name: getattr(sys.modules.get(name), "__version__", None) for name in sorted({*asked, *LIBRARIES})}
    return {name: str(version) for name, version in found.items() if version}


def skew_text(home: Mapping[str, str]) -> str:
    """Say which libraries have another version here than in the notebook; empty where none has.

    >>> import cloudpickle
    >>> skew_text({"cloudpickle": cloudpickle.__version__, "nowhere": "1"})
    ''
    """
    here = loaded_versions(home)
    found = [
        f"{name} is {here[name]} here and {version} in the notebook"
        for name, version in home.items()
        if here.get(name, version) != version
    ]
    return f" ({'; '.join(found)})" if found else ""
