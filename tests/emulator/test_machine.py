from __future__ import annotations

import time
from pathlib import Path

from flash_jupyter.emulator.machine import home_folder, tidy, work_folder


def test_what_nobody_uses_any_more_is_removed(tmp_path: Path) -> None:
    folders = [work_folder(tmp_path, name) for name in "ab"] + [home_folder(tmp_path, name) for name in "cd"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    tidy(tmp_path, workers={"a"}, endpoints={"c"})
    assert [folder.exists() for folder in folders] == [True, False, True, False]
    deadline = time.monotonic() + 5
    while list(tmp_path.glob("trash-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_empty_store_has_nothing_to_remove(tmp_path: Path) -> None:
    tidy(tmp_path, workers=(), endpoints=())
    assert list(tmp_path.iterdir()) == []
