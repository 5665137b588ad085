"""Where the packages of a bundle are: at its root what all resources need, beside it what only some images lack."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from projects import export
from wheelhouse import make_wheel

from flash_jupyter.build.bundle import BuildOptions, Bundle, build_project
from flash_jupyter.build.project import Project, Wanted
from flash_jupyter.resources.classes import CpuLiveServerless, LiveServerless
from flash_jupyter.resources.model import Resource
from flash_jupyter.settings import Settings, read_settings

GPU, CPU = LiveServerless(name="gpu"), CpuLiveServerless(name="cpu")


@pytest.fixture
def settings(flash_home: Path) -> Settings:
    return read_settings({"FLASH_JUPYTER_HOME": str(flash_home), "FLASH_JUPYTER_BACKEND": "local"}, project=flash_home)


def build(root: Path, settings: Settings, *resources: Resource, **said: object) -> Bundle:
    """Build functions that ask for `tiny`, and for a torch that asks for `small`, of an index that has only these."""
    index = root / "index"
    make_wheel(index, "tiny")
    make_wheel(index, "small")
    make_wheel(index, "torch", requires=["small"])
    options = (Wanted("--no-index", "here"), Wanted(f"--find-links {index}", "here"))
    wanted = (*options, Wanted("tiny", "here"), Wanted("torch", "here"))
    exports = tuple(export(f"f_{each.name}", "model", each) for each in resources)
    text = "import tiny, torch\n" + "".join(f"def {each.function.name}(): return torch.VERSION\n" for each in exports)
    project = Project("shop", root, exports, {"model.py": text.encode()}, requirements=wanted)
    return build_project(project, BuildOptions(keep_build=True, **said), settings=settings)  # type: ignore[arg-type]


def has(bundle: Bundle, folder: str = "") -> list[str]:
    assert bundle.folder is not None
    place = bundle.folder / folder
    return [name for name in ("tiny", "small", "torch") if (place / f"{name}.py").is_file()]


def test_what_the_image_has_stays_out_with_all_that_only_it_needs(tmp_path: Path, settings: Settings) -> None:
    bundle = build(tmp_path, settings, GPU)
    assert has(bundle) == ["tiny"]
    assert bundle.folder is not None
    assert (bundle.folder / "flash_lock.txt").read_text().count("==") == 1


def test_an_image_without_it_gets_it(tmp_path: Path, settings: Settings) -> None:
    assert has(build(tmp_path, settings, CPU)) == ["tiny", "small", "torch"]


def test_where_images_differ_the_rest_has_a_folder_of_its_own(tmp_path: Path, settings: Settings) -> None:
    bundle = build(tmp_path, settings, GPU, CPU)
    assert bundle.folder is not None
    assert (has(bundle), has(bundle, "packages_cpu")) == (["tiny"], ["tiny", "small", "torch"])
    assert 'PACKAGES: str = "packages_cpu"' in (bundle.folder / "handler_cpu.py").read_text()
    assert 'PACKAGES: str = ""' in (bundle.folder / "handler_gpu.py").read_text()
    assert (bundle.folder / "packages_cpu" / "flash_lock.txt").is_file()
    program = "import handler_cpu; print(handler_cpu.FUNCTION_REGISTRY['f_cpu']())"
    done = subprocess.run([sys.executable, "-c", program], cwd=bundle.folder, capture_output=True, text=True)
    assert done.stdout == "1.0\n", done.stderr


def test_more_can_be_left_out_and_what_nobody_asks_for_is_said(tmp_path: Path, settings: Settings) -> None:
    bundle = build(tmp_path, settings, CPU, exclude=("torch", "pandas"))
    assert has(bundle) == ["tiny"]
    assert bundle.notes == ("--exclude pandas: nothing asks for it",)


def test_a_second_build_installs_nothing(tmp_path: Path, settings: Settings) -> None:
    first = build(tmp_path, settings, CPU)
    content, installed = first.archive.read_bytes(), _installed(settings)
    assert build(tmp_path, settings, CPU).archive.read_bytes() == content
    assert _installed(settings) == installed


def _installed(settings: Settings) -> dict[Path, int]:
    """What is in the cached sites, and since when; a site's own time is that of its last use."""
    return {path: path.stat().st_mtime_ns for path in (settings.cache / "sites").glob("*/**/*")}


def one_of_two(root: Path, settings: Settings, text: str) -> Bundle:
    """Build a function on a GPU that asks for torch by `dependencies=`, and one on a CPU whose module is `text`."""
    index = root / "index"
    make_wheel(index, "tiny")
    make_wheel(index, "torch", requires=["tiny"])
    wanted = (Wanted("--no-index", "here"), Wanted(f"--find-links {index}", "here"))
    on_gpu = replace(export("f", "on_gpu", GPU), dependencies=("torch>=0.1",))
    files = {"on_gpu.py": b"def f():\n    import torch\n", "on_cpu.py": text.encode(), "helper.py": b"import torch\n"}
    project = Project("shop", root, (on_gpu, export("g", "on_cpu", CPU)), files, frozenset({"torch"}), wanted)
    return build_project(project, BuildOptions(keep_build=True), settings=settings)


def test_what_the_functions_of_a_gpu_ask_for_is_not_for_those_of_a_cpu(tmp_path: Path, settings: Settings) -> None:
    assert has(one_of_two(tmp_path, settings, "def g(): ...\n")) == []


@pytest.mark.parametrize(
    "text", ["import torch\ndef g(): ...\n", "def g():\n    import helper\n"], ids=["itself", "a helper"]
)
def test_a_module_of_a_cpu_that_imports_it_has_it(tmp_path: Path, settings: Settings, text: str) -> None:
    bundle = one_of_two(tmp_path, settings, text)
    assert (has(bundle), has(bundle, "packages_cpu")) == ([], ["tiny", "torch"])
