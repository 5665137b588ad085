from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from flash_jupyter.worker.deployed import ArtifactError, find_handler, unpack


def archive(folder: Path, files: dict[str, str], *links: str) -> Path:
    path = folder / "artifact.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
        for name in links:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc"
            made.addfile(link)
    return path


def environ(artifact: Path, resource: str = "ocr") -> dict[str, str]:
    return {"FLASH_RESOURCE_NAME": resource, "FLASH_BUILD_ARTIFACT_PATH": str(artifact)}


MANIFEST = json.dumps({"resources": {"ocr": {"handler_file": "handler_ocr.py"}, "web": {"handler_file": "../out.py"}}})
FILES = {"./flash_manifest.json": MANIFEST, "./handler_ocr.py": "", "./handler_bare.py": "", "./pages/__init__.py": ""}

HANDLERS = [
    ("the manifest's", "ocr", "handler_ocr.py"),
    ("one that the manifest does not name", "bare", "handler_bare.py"),
    ("none for another resource", "other", None),
    ("none that is outside of the archive", "web", None),
]


@pytest.mark.parametrize(("resource", "handler"), [case[1:] for case in HANDLERS], ids=[case[0] for case in HANDLERS])
def test_the_handler_of_a_resource(resource: str, handler: str | None, tmp_path: Path) -> None:
    (tmp_path / "out.py").touch()
    found = find_handler(environ(archive(tmp_path, FILES), resource), tmp_path / "app")
    assert found == (None if handler is None else tmp_path / "app" / handler)


def test_a_worker_of_no_app_has_no_handler(tmp_path: Path) -> None:
    assert find_handler({}, tmp_path / "app") is None
    assert find_handler(environ(tmp_path / "nothing.tar.gz"), tmp_path / "app") is None
    assert not (tmp_path / "app").exists()


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py", "a/../../out.py"])
def test_a_member_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="leads out of its folder"):
        unpack(archive(tmp_path, {name: "text"}), tmp_path / "app")
    assert not (tmp_path / "out.py").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the artifact's member 'etc' leads out of its folder"):
        unpack(archive(tmp_path, {}, "etc"), tmp_path / "app")


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "artifact.tar.gz").write_text("no archive")
    with pytest.raises(ArtifactError, match=r"the artifact artifact.tar.gz can't be unpacked: not a gzip file"):
        unpack(tmp_path / "artifact.tar.gz", tmp_path / "app")


def test_the_handler_runs_as_a_program_beside_its_modules(tmp_path: Path) -> None:
    handler = "import json, sys, pages\nif __name__ == '__main__':\n    print(json.dumps([pages.N, len(sys.argv)]))\n"
    (tmp_path / "runpod.py").touch()  # the SDK is there
    files = {"./handler_ocr.py": handler, "./pages/__init__.py": "N = 3\n"}
    program = (
        "import os; from pathlib import Path; from flash_jupyter.worker.deployed import find_handler, serve\n"
        "serve(find_handler(os.environ, Path('app')), os.environ)\n"
    )
    variables = {**environ(archive(tmp_path, files)), "PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [3, 1]


def test_the_interpreter_that_stands_for_the_image_runs_it_with_nothing_of_ours(tmp_path: Path) -> None:
    handler = "import json, sys\nprint(json.dumps([sys.executable, 'flash_jupyter' in sys.modules, sys.argv]))\n"
    program = (
        "import os; from pathlib import Path; from flash_jupyter.worker.deployed import find_handler, serve\n"
        "serve(find_handler(os.environ, Path('app')), os.environ)\n"
    )
    image = {"FLASH_JUPYTER_PYTHON": sys.executable, "PATH": "/bin"}
    variables = {**environ(archive(tmp_path, {"./handler_ocr.py": handler})), **image}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [sys.executable, False, [str(tmp_path / "app" / "handler_ocr.py")]]
