"""The kernel of a smoke test, before the first cell of the user's runs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from flash_jupyter.build.trying import Trying
from flash_jupyter.settings import read_settings


@pytest.mark.journey
@pytest.mark.parametrize("files", [None, {"runpod_flash.py": b"1 / 0\n"}], ids=["a notebook", "plain modules"])
def test_the_released_client_is_never_imported_in_a_scratch_copy(
    tmp_path: Path, files: dict[str, bytes] | None
) -> None:
    (tmp_path / "runpod_flash.py").write_text("1 / 0\n")
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")})
    trying = Trying(tmp_path, (), settings, "key", print, threading.Event())
    with trying.kernel("n.ipynb", [], namespace="get_ipython().user_ns", files=files) as scratch:
        assert scratch.run("import runpod_flash\nfrom runpod_flash import remote\nimport os") is None
        assert scratch.value("runpod_flash.__name__, 'runpod_flash.py' in os.listdir()") == ("flash_jupyter", True)
