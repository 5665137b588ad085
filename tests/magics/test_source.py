"""Which file `%flash build` and `%flash run` are about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.source import find_source
from flash_jupyter.settings import Settings


def test_this_notebook_is_meant_where_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").touch()
    environ = {"JPY_SESSION_NAME": str(tmp_path / "nb.ipynb")}
    settings, shell = Settings(tmp_path, tmp_path, "ann", "local", environ=environ), SimpleNamespace(user_ns={})
    assert find_source([], "build", shell, settings) == tmp_path / "nb.ipynb"
    assert find_source([str(tmp_path)], "build", shell, settings) == tmp_path
    (tmp_path / "nb.ipynb").unlink()
    with pytest.raises(OptionError, match="this notebook is not at "):
        find_source([], "build", shell, settings)
