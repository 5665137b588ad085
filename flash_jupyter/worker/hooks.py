"""What is done to a module of somebody else once a cell has imported it, and only then: nothing is imported here."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping
from typing import Any

Adapt = Callable[[Any], None]


def when_imported(adaptations: Mapping[str, Adapt]) -> None:
    """Call `adaptations[name](module)` once for each module that is imported from now on, or already there."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _ImportWatch)]
    sys.meta_path.insert(0, _ImportWatch(adaptations))
    for name, adapt in adaptations.items():
        if name in sys.modules:
            _adapt(sys.modules[name], adapt)


class _ImportWatch(importlib.abc.MetaPathFinder):
    """Finds the modules of its table as the import path would, and adapts each after it was executed."""

    def __init__(self, adaptations: Mapping[str, Adapt]) -> None:
        self._adaptations = adaptations

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        adapt = self._adaptations.get(name)
        if adapt is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_adapt(module: Any) -> None:
                execute(module)
                _adapt(module, adapt)

            spec.loader.exec_module = execute_and_adapt  # type: ignore[method-assign]
        return spec


def _adapt(module: Any, adapt: Adapt) -> None:
    if not hasattr(module, "__flash_jupyter__"):
        module.__flash_jupyter__ = True
        adapt(module)


def show_bars_as_text(notebook: Any) -> None:
    """Let `tqdm.notebook` draw its bars as text: a widget needs a kernel, and there is none on a worker."""
    std = sys.modules["tqdm.std"]
    notebook.tqdm = notebook.tqdm_notebook = std.tqdm
    notebook.trange = notebook.tnrange = std.trange
