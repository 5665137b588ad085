"""What a lock becomes in a bundle: the same bytes, installed once."""

from __future__ import annotations

import csv
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from wheelhouse import make_wheel, only

from flash_jupyter.build.install import KEPT_S, install, site_of
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.lock import Lock, Pinned, resolve
from flash_jupyter.errors import BuildError

#: nothing may be run with it
NONE = Installer(("no-such-program",), is_uv=True)


@pytest.fixture
def uv(tmp_path: Path) -> Installer:
    folder = tmp_path / "index"
    program = {"tool-1.0.data/scripts/engine": b"\x7fELF\x02", "tool-1.0.data/scripts/run.sh": b"#!python\n"}
    make_wheel(folder, "tool", tag="cp312-cp312-manylinux_2_17_x86_64", scripts={"tool": "tool:main"}, files=program)
    make_wheel(folder, "plain", files={"plainer/__init__.py": b"", "plainer/data.bin": bytes(range(256))})
    return only(find_installer(), folder)


@pytest.fixture
def lock(uv: Installer, tmp_path: Path) -> Lock:
    return resolve(("tool", "plain"), python="3.12", cache=tmp_path / "cache", installer=uv)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_gets_modules_and_programs_but_no_notes_of_the_installer(
    uv: Installer, lock: Lock, tmp_path: Path
) -> None:
    install(lock, tmp_path / "bundle", cache=tmp_path / "cache", installer=uv)
    found = content(tmp_path / "bundle")
    assert sorted(found) == [
        "bin/engine",
        "plain-1.0.dist-info/METADATA",
        "plain-1.0.dist-info/RECORD",
        "plain-1.0.dist-info/WHEEL",
        "plain.py",
        "plainer/__init__.py",
        "plainer/data.bin",
        "tool-1.0.dist-info/METADATA",
        "tool-1.0.dist-info/RECORD",
        "tool-1.0.dist-info/WHEEL",
        "tool-1.0.dist-info/entry_points.txt",
        "tool.py",
    ]
    recorded = [row[0] for row in csv.reader(found["tool-1.0.dist-info/RECORD"].decode().splitlines())]
    assert recorded == sorted(name for name in found if name.startswith(("bin/", "tool")))
    assert not [name for name, data in found.items() if str(tmp_path).encode() in data]


def test_a_second_build_of_the_same_lock_installs_nothing(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    install(lock, tmp_path / "one", cache=tmp_path / "cache", installer=uv)
    install(lock, tmp_path / "two", cache=tmp_path / "cache", installer=NONE)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_packages_that_nothing_was_built_of_for_a_month_are_removed(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    old, used = site_of(lock, cache=cache, installer=uv), resolve(("plain",), python="3.12", cache=cache, installer=uv)
    kept = site_of(used, cache=cache, installer=uv)
    for site in (old, kept):
        os.utime(site, (0, time.time() - KEPT_S - 60))
    assert site_of(used, cache=cache, installer=NONE) == kept
    assert sorted(each.name for each in (cache / "sites").iterdir() if each.is_dir()) == [kept.name]
    site_of(lock, cache=cache, installer=uv)
    assert (old / "tool.py").is_file()


def test_two_installs_in_two_places_are_the_same_bytes(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    for name in ("one", "two"):
        install(lock, tmp_path / name, cache=tmp_path / f"cache-of-{name}", installer=uv)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_a_bundle_is_no_way_to_change_the_cache(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    install(lock, tmp_path / "one", cache=tmp_path / "cache", installer=uv)
    (tmp_path / "one" / "plain.py").write_text("changed\n")
    install(lock, tmp_path / "two", cache=tmp_path / "cache", installer=NONE)
    assert (tmp_path / "two" / "plain.py").read_text() == "VERSION = '1.0'\n"


def test_what_the_bundle_has_already_stays(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "main.py").write_text("x = 1\n")
    install(lock, tmp_path / "bundle", cache=tmp_path / "cache", installer=uv)
    assert (tmp_path / "bundle" / "main.py").read_text() == "x = 1\n"


def test_builds_at_the_same_time_wait_for_each_other(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: install(lock, tmp_path / f"{n}", cache=tmp_path / "cache", installer=uv), ["a", "b", "c", "d"]
            )
        )
    assert content(tmp_path / "a") == content(tmp_path / "d")
    assert [path.name for path in (tmp_path / "cache" / "sites").iterdir() if path.is_dir()] == [lock.digest[:32]]


def test_an_install_that_was_cut_is_made_anew(uv: Installer, lock: Lock, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "sites" / f"{lock.digest[:32]}.part-cut"
    left.mkdir(parents=True)
    (left / "half.py").write_text("")
    site = site_of(lock, cache=tmp_path / "cache", installer=uv)
    assert "half.py" not in content(site)
    assert not left.exists()


def test_a_failed_install_leaves_nothing_and_says_why(uv: Installer, tmp_path: Path) -> None:
    wrong = Lock("3.12", (Pinned("plain", "1.0", (f"sha256:{'0' * 64}",)),))
    with pytest.raises(BuildError) as caught:
        install(wrong, tmp_path / "bundle", cache=tmp_path / "cache", installer=uv)
    assert caught.value.message.startswith("the packages of the lock could not be installed: ")
    assert "plain" in caught.value.message
    assert [path.name for path in (tmp_path / "cache" / "sites").iterdir()] == [f"{wrong.digest[:32]}.lock"]
    assert not (tmp_path / "bundle").exists()


def test_an_empty_lock_needs_no_installer(tmp_path: Path) -> None:
    install(Lock("3.12"), tmp_path / "bundle", cache=tmp_path / "cache", installer=NONE)
    assert list(tmp_path.iterdir()) == []
