"""The way of a build: the same bytes from the same sources, and nothing of what was there is lost when it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from projects import shop

from flash_jupyter.build.bundle import STEPS, BuildOptions, Bundle, Progress, build_project
from flash_jupyter.build.manifest import read_manifest
from flash_jupyter.errors import BuildError
from flash_jupyter.settings import Settings, read_settings

MANIFEST = ".flash/flash_manifest.json"


@pytest.fixture
def settings(flash_home: Path) -> Settings:
    return read_settings({"FLASH_JUPYTER_HOME": str(flash_home), "FLASH_JUPYTER_BACKEND": "local"}, project=flash_home)


def build(root: Path, settings: Settings, **said: object) -> Bundle:
    return build_project(shop(root), BuildOptions(**said), settings=settings)  # type: ignore[arg-type]


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        return set(opened.getnames())


def test_a_bundle_has_manifest_handlers_modules_and_our_part(tmp_path: Path, settings: Settings) -> None:
    made = build(tmp_path, settings)
    found = {name for name in names(made.archive) if not name.startswith("./flash_jupyter/")}
    assert found == {
        "./flash_manifest.json",
        "./handler_numbers.py",
        "./handler_web.py",
        "./model.py",
        "./web.py",
    }
    assert made.archive == tmp_path / ".flash" / "artifact.tar.gz"
    assert made.size_bytes == made.archive.stat().st_size
    assert made.folder is None
    assert sorted(path.name for path in (tmp_path / ".flash").iterdir() if "lock" not in path.name) == [
        "artifact.tar.gz",
        "flash_manifest.json",
        "options.json",
    ]


def test_the_manifest_beside_it_is_the_one_inside(tmp_path: Path, settings: Settings) -> None:
    made = build(tmp_path, settings)
    with tarfile.open(made.archive) as opened:
        inside = opened.extractfile("./flash_manifest.json")
        assert inside is not None
        assert inside.read() == (tmp_path / MANIFEST).read_bytes()
    assert read_manifest(tmp_path / MANIFEST) == made.manifest
    assert made.manifest.function_registry == {
        **dict.fromkeys(["double", "quadruple", "Counter"], "numbers"),
        **dict.fromkeys(["price", "item", "both"], "web"),
    }
    assert made.manifest.routes["web"] == {"POST /price": "price", "GET /items/{number}": "item", "POST /both": "both"}


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
from projects import shop
from flash_jupyter.build.bundle import build_project
from flash_jupyter.settings import read_settings
build_project(shop(Path(sys.argv[1])), settings=read_settings(project=Path(sys.argv[1])))
"""


def test_two_builds_are_the_same_bytes_in_another_folder_time_locale_and_process(
    tmp_path: Path, settings: Settings
) -> None:
    first = build(tmp_path / "one", settings).archive.read_bytes()
    variables = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "5"}
    home = {"FLASH_JUPYTER_HOME": str(tmp_path / "home"), "FLASH_JUPYTER_BACKEND": "local"}
    program = PROGRAM.format(support=str(Path(__file__).parents[1] / "support"))
    (tmp_path / "two").mkdir()
    old_mask = os.umask(0o077)
    try:
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "two")],
            env={**os.environ, **variables, **home},
            cwd=tmp_path,
            check=True,
        )
    finally:
        os.umask(old_mask)
    assert (tmp_path / "two" / ".flash" / "artifact.tar.gz").read_bytes() == first


def test_the_fingerprint_is_another_when_a_source_is(tmp_path: Path, settings: Settings) -> None:
    project = shop(tmp_path)
    changed = replace(project, files={**project.files, "web.py": project.files["web.py"] + b"\n# more\n"})
    prints = {
        build_project(each, settings=settings).manifest.source_fingerprint for each in (project, project, changed)
    }
    assert len(prints) == 2


def test_steps_are_told_as_they_begin(tmp_path: Path, settings: Settings) -> None:
    told: list[Progress] = []
    build_project(shop(tmp_path), report=told.append, settings=settings)
    assert [(each.step, each.done, each.total) for each in told] == [
        (step, number, len(STEPS)) for number, step in enumerate(STEPS) if step != "read"
    ]


def test_the_build_folder_stays_where_that_is_said(tmp_path: Path, settings: Settings) -> None:
    made = build(tmp_path, settings, keep_build=True)
    assert made.folder == tmp_path / ".flash" / ".build"
    assert (made.folder / "handler_web.py").is_file()
    build(tmp_path, settings)
    assert not made.folder.exists()


@pytest.mark.parametrize(
    ("output", "archive"),
    [("out", "out/artifact.tar.gz"), ("out/shop.tar.gz", "out/shop.tar.gz")],
    ids=["a folder", "a file"],
)
def test_it_may_be_written_elsewhere(output: str, archive: str, tmp_path: Path, settings: Settings) -> None:
    made = build(tmp_path, settings, output=tmp_path / output)
    assert made.archive == tmp_path / archive
    assert made.archive.is_file()
    assert made.archive.with_name("flash_manifest.json").is_file()


def test_what_is_written_elsewhere_leaves_a_file_of_somebody_s_own_alone(tmp_path: Path, settings: Settings) -> None:
    own = tmp_path / "out" / "options.json"
    own.parent.mkdir()
    own.write_text("mine")
    build(tmp_path, settings, output=own.parent)
    assert own.read_text() == "mine"


class Stop(BaseException):
    """What an interrupt is."""


@pytest.mark.parametrize("at", STEPS[1:])
def test_an_interrupt_at_any_step_leaves_what_was_built_before(at: str, tmp_path: Path, settings: Settings) -> None:
    before = build(tmp_path, settings)
    old = before.archive.read_bytes(), (tmp_path / MANIFEST).read_bytes()
    project = replace(shop(tmp_path), name="another")

    def stop(progress: Progress) -> None:
        if progress.step == at:
            raise Stop

    with pytest.raises(Stop):
        build_project(project, report=stop, settings=settings)
    assert (before.archive.read_bytes(), (tmp_path / MANIFEST).read_bytes()) == old
    assert not (tmp_path / ".flash" / ".build").exists()


def test_what_an_earlier_build_left_is_not_in_the_next(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / ".flash" / ".build").mkdir(parents=True)
    (tmp_path / ".flash" / ".build" / "left.py").touch()
    assert "./left.py" not in names(build(tmp_path, settings).archive)


@pytest.mark.parametrize("name", ["handler_web.py", "flash_manifest.json", "flash_jupyter/mine.py"])
def test_a_file_that_the_build_writes_itself_is_refused(name: str, tmp_path: Path, settings: Settings) -> None:
    project = shop(tmp_path)
    with pytest.raises(BuildError) as raised:
        build_project(replace(project, files={**project.files, name: b""}), settings=settings)
    assert str(raised.value) == (
        f"{name} of the project is a file that the build writes itself\n  → give it another name"
    )


def test_two_builds_of_one_folder_do_not_mix(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / ".flash").mkdir()
    with FileLock(tmp_path / ".flash" / ".build.lock"), pytest.raises(BuildError, match="is being built already"):
        build(tmp_path, settings)


def test_a_place_that_can_t_be_written_is_told(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError) as raised:
        build(tmp_path, settings, output=tmp_path / "file" / "out")
    assert str(raised.value) == (
        f"{tmp_path}/file/out can't be written: Not a directory\n  → make room, or choose another folder with --output"
    )


def test_it_carries_no_time(tmp_path: Path, settings: Settings) -> None:
    made = build(tmp_path, settings)
    text = json.dumps(json.loads((tmp_path / MANIFEST).read_text()))
    assert time.strftime("%Y-") not in text
    with tarfile.open(made.archive) as opened:
        assert {member.mtime for member in opened} == {0}
