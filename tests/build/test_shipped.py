"""The part of the package that a bundle brings works alone, and has the names that a user's modules import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
from projects import export, shop

import flash_jupyter
from flash_jupyter.build.project import group
from flash_jupyter.build.shipped import TEMPLATES, handler_file, imported, shipped_files, write_handler_file
from flash_jupyter.build.templates import package
from flash_jupyter.capture.packages import in_image
from flash_jupyter.resources.classes import CpuLiveServerless

#: it is far less than what is installed; a bundle is sent with each deploy
LARGEST_BYTES = 150_000
AT_HOME_ONLY = {"app", "load_ipython_extension", "unload_ipython_extension"}

PROGRAM = """\
import json, sys
from flash_jupyter import *
from flash_jupyter.worker.handler import create_handler
import flash_jupyter.worker.api, flash_jupyter.worker.serving

@remote(CpuLiveServerless(name="a", instanceIds=[CpuInstanceType.CPU3G_2_8], env={"A": "1"}))
def f(x: int) -> int:
    return x + GpuGroup.AMPERE_80.memory_gb

api = Endpoint("shop", cpu="cpu3c-1-2", workers=(1, 3))

@api.post("/g")
def g(x: int) -> int:
    return x + 1

@Endpoint(name="h")
class H: ...

third = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - BEFORE
print(json.dumps([f(1), g(2), type(H).__name__, sorted(third - {"__main__"}), flash_jupyter.__file__]))
"""
QUEUE = '''\
"""The handler of a queue resource of this bundle, written by `flash build`."""

from __future__ import annotations

from flash_jupyter.worker.decorated import find_functions
from flash_jupyter.worker.handler import create_handler
from flash_jupyter.worker.prints import attribute_prints
from flash_jupyter.worker.serving import serve_queue

#: folder of the packages that only this resource has
PACKAGES: str = "packages_numbers"
#: name -> module:attribute
FUNCTIONS: dict[str, str] = {
    "double": "model:double",
    "quadruple": "model:quadruple",
    "Counter": "model:Counter",
}
#: jobs that a worker runs side by side
MAX_CONCURRENCY: int = 1

if __name__ == "__main__":
    attribute_prints()

FUNCTION_REGISTRY = find_functions(FUNCTIONS, PACKAGES)
handler = create_handler(FUNCTION_REGISTRY)

if __name__ == "__main__":
    serve_queue(handler, MAX_CONCURRENCY)
'''


def test_it_brings_what_it_imports() -> None:
    files = shipped_files()
    for name in files:
        path = Path(flash_jupyter.__file__).parents[1] / name
        modules = imported(TEMPLATES / "package.py" if name == "flash_jupyter/__init__.py" else path)
        for module in modules:
            parents = [module, module.rpartition(".")[0]]
            assert any(f"{each.replace('.', '/')}{end}" in files for each in parents for end in (".py", "/__init__.py"))
    assert sum(map(len, files.values())) < LARGEST_BYTES


CALLING = """\
import json, sys
from flash_jupyter import remote
from flash_jupyter.worker.handler import create_handler
third = sorted({name.split(".")[0] for name in sys.modules} & {"httpx", "pydantic", "fastapi"})
from flash_jupyter.runtime.wrapper import ProductionWrapper
print(json.dumps([remote.__module__, third]))
"""


def test_with_calls_it_brings_the_client_and_nothing_of_a_session() -> None:
    alone, calling = shipped_files(), shipped_files(with_calls=True)
    more = set(calling) - set(alone)
    assert {name for name in alone if alone[name] != calling[name]} == {"flash_jupyter/__init__.py"}
    assert {name.split("/")[1] for name in more} == {
        *("runtime", "transport", "wire", "backend.py", "own_type.py", "states.py")
    }
    assert sum(map(len, calling.values())) < 2 * LARGEST_BYTES


def test_with_calls_it_works_in_an_environment_that_has_what_the_images_have(tmp_path: Path) -> None:
    """Of what is installed the interpreter sees the packages of the images, and those that such a bundle brings."""
    for name, content in shipped_files(with_calls=True).items():
        (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / name).write_bytes(content)
    site = Path(httpx.__file__).parents[1]
    brought = {"httpx", "httpcore", "h11", "certifi", "idna", "anyio", "sniffio", "typing_extensions"}
    of_image = in_image("cpu", "3.12") or frozenset()
    (tmp_path / "site").mkdir()
    for module in sorted(brought | of_image | {"typing_inspection"}):  # the last is pydantic's own requirement
        for path in (site / module, site / f"{module}.py"):
            if path.exists():
                (tmp_path / "site" / path.name).symlink_to(path)
    head = f"import sys; sys.path[:0] = {[str(tmp_path / 'app'), str(tmp_path / 'site')]!r}\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", head + CALLING], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == '["flash_jupyter.worker.decorated", []]\n'


def test_it_has_all_public_names_but_those_of_ipython() -> None:
    assert set(package.__all__) == set(flash_jupyter.__all__) - AT_HOME_ONLY


def test_it_works_where_nothing_else_of_ours_and_only_cloudpickle_is(tmp_path: Path) -> None:
    """The interpreter sees the standard library, cloudpickle and the bundle; `-I -S` hides all that is installed."""
    import cloudpickle

    for name, content in shipped_files().items():
        (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "app" / name).write_bytes(content)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    paths = [str(tmp_path / "app"), str(tmp_path / "site")]
    head = f"import sys; sys.path[:0] = {paths!r}; BEFORE = set(sys.modules)\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", head + PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == f'[81, 3, "type", ["cloudpickle", "flash_jupyter"], "{tmp_path}/app/flash_jupyter/__init__.py"]\n'
    )


def test_a_queue_s_handler_serves_all_of_its_functions_and_classes(tmp_path: Path) -> None:
    queue, _ = group(shop(tmp_path).exports, "shop")
    assert write_handler_file(queue, "packages_numbers") == QUEUE


def test_a_load_balancer_s_has_its_routes(tmp_path: Path) -> None:
    _, web = group(shop(tmp_path).exports, "shop")
    text = write_handler_file(web)
    assert 'ROUTES: dict[str, str] = {\n    "POST /price": "price",\n    "GET /items/{number}": "item",\n' in text
    assert "execute" not in text


def test_they_are_as_our_linters_want_them(tmp_path: Path) -> None:
    for each in group(shop(tmp_path).exports, "shop"):
        (tmp_path / handler_file(each.name)).write_text(write_handler_file(each))
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(Path(__file__).parents[2] / "pyproject.toml")]
    for command in (["check", "--extend-ignore", "INP001"], ["format", "--check"]):
        done = subprocess.run([*ruff, *command, *config, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_a_name_that_is_no_identifier_is_still_importable(tmp_path: Path) -> None:
    (made,) = group([export("f", "01_scores", CpuLiveServerless(name="a.b-c"))], "shop")
    assert handler_file(made.name) == "handler_a_b-c.py"
    assert '"f": "01_scores:f"' in write_handler_file(made)
