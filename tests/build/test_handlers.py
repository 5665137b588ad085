"""Handler files: real modules with the values of one resource."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from projects import export, shop

from flash_jupyter.build.grouping import group
from flash_jupyter.build.handlers import handler_file, write_handler_file
from flash_jupyter.resources.classes import CpuLiveServerless

QUEUE = '''\
"""The handler of a queue resource of this bundle, written by `flash build`."""

from __future__ import annotations

from flash_jupyter.worker.bundle import find_functions
from flash_jupyter.worker.handler import create_handler
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

FUNCTION_REGISTRY = find_functions(FUNCTIONS, PACKAGES)
handler = create_handler(FUNCTION_REGISTRY)

if __name__ == "__main__":
    serve_queue(handler, MAX_CONCURRENCY)
'''


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
