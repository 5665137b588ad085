"""What the handler file of a bundle does first: the functions of its resource, from the modules beside it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.errors import BuildError
from flash_jupyter.worker.decorated import bare

#: projects that were written for the released client import it by this name
RELEASED = "runpod_flash"


def find_functions(places: Mapping[str, str], packages: str = "") -> dict[str, Any]:
    """Return name -> function or class, for name -> `module:attribute`.

    `packages` is the folder of packages that only this resource has, below the bundle's root. Relative paths hold from
    that root, as they do from a notebook's folder. Raises `BuildError` for
    a module that can't be imported on this worker, and for one that lacks the name.
    """
    root = Path(__file__).parents[2]
    os.chdir(root)
    if packages:
        sys.path.insert(0, str(root / packages))
    sys.modules.setdefault(RELEASED, importlib.import_module("flash_jupyter"))
    return {name: _find(name, *place.split(":")) for name, place in places.items()}


def _find(name: str, module: str, attribute: str) -> Any:
    try:
        return bare(getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise BuildError(
            f"{module}, which has {name}, can't be imported on this worker: there is no module {missing}",
            fix=f"add the package that has {missing} to the dependencies, or its file to the project, and build again",
        ) from error
    except AttributeError as error:
        if hasattr(sys.modules.get(module), "__file__"):
            raise BuildError(f"{module} has no {attribute} on this worker", fix="define it at module level") from error
        raise _failed(name, module, error) from error
    except Exception as error:  # the module's own code
        raise _failed(name, module, error) from error


def _failed(name: str, module: str, error: Exception) -> BuildError:
    return BuildError(
        f"{module}, which has {name}, can't be imported on this worker: {type(error).__name__}: {error}",
        fix="let the module's top level run anywhere; put what needs the worker into a function",
    )
