"""When a build has a mothership, and what its manifest and its handler file say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from projects import shop

from flash_jupyter.build.entries import make_entry
from flash_jupyter.build.mothership import app_of, unserved_app, with_mothership
from flash_jupyter.build.project import Group, group
from flash_jupyter.build.shipped import write_handler_file
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.images import Images

MAIN = b"import fastapi\n\napi: fastapi.FastAPI = fastapi.FastAPI()\n"
DESCRIBED = (
    b'from flash_jupyter import CpuLiveLoadBalancer\n\nmothership = CpuLiveLoadBalancer(name="bridge", workersMin=1)\n'
)


def ship(tmp_path: Path, files: dict[str, bytes], *, is_asked: bool = True) -> Group | None:
    project = shop(tmp_path)
    project = replace(project, files={**project.files, **files})
    groups = with_mothership(project, group(project.exports, "shop"), is_asked=is_asked)
    return groups[-1] if groups[-1].main is not None else None


def test_nobody_gets_one_who_does_not_want_one(tmp_path: Path) -> None:
    assert ship(tmp_path, {"main.py": MAIN}, is_asked=False) is None


def test_an_app_that_nothing_serves_is_told(tmp_path: Path) -> None:
    project = shop(tmp_path)
    files, groups = {**project.files, "main.py": MAIN}, group(project.exports, "shop")
    said = "the app of main.py is not served: --mothership gives it an endpoint of its own"
    assert unserved_app(files, groups) == (said,)
    assert unserved_app(project.files, groups) == ()
    served = with_mothership(replace(project, files=files), groups, is_asked=True)
    assert unserved_app(files, served) == ()


def test_one_that_is_asked_for_costs_nothing_while_nobody_comes(tmp_path: Path) -> None:
    made = ship(tmp_path, {})
    assert made is not None
    assert (made.name, made.main, made.resource.workers_min, made.resource.workers_max) == ("mothership", "", 0, 1)
    assert 'MAIN: str = ""' in write_handler_file(made)


def test_the_manifest_says_what_it_is_and_where_its_app_is(tmp_path: Path) -> None:
    made = ship(tmp_path, {"main.py": MAIN, "mothership.py": DESCRIBED}, is_asked=False)
    assert made is not None
    entry = make_entry(made, "3.12", Images(), {}).model_dump(exclude_none=True)
    said = {name: entry[name] for name in ("is_mothership", "main_file", "app_variable", "makes_remote_calls")}
    assert said == {"is_mothership": True, "main_file": "main.py", "app_variable": "api", "makes_remote_calls": True}
    assert (entry["functions"], entry["is_load_balanced"], entry["handler_file"]) == ([], True, "handler_bridge.py")
    assert entry["config"] == {"name": "bridge", "workersMin": 1}
    assert 'MAIN: str = "main:api"' in write_handler_file(made)


WRONG = [
    ("no name", b"x = 1\n", "mothership.py has no `mothership`\n  → write mothership = CpuLiveLoadBalancer(name=\"mothership\")"),
    ("a queue", b'from flash_jupyter import CpuLiveServerless\nmothership = CpuLiveServerless(name="q")\n', "mothership.py: a mothership is a CpuLiveLoadBalancer or a LiveLoadBalancer, not CpuLiveServerless\n  → write mothership = CpuLiveLoadBalancer(name=\"mothership\")"),
    ("a taken name", b'from flash_jupyter import CpuLiveLoadBalancer\nmothership = CpuLiveLoadBalancer(name="web")\n', "a resource is called web, as the mothership is\n  → give the resource another name="),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_a_description_that_is_none_is_an_error(tmp_path: Path, text: bytes, said: str) -> None:
    with pytest.raises(BuildError) as caught:
        ship(tmp_path, {"mothership.py": text})
    assert str(caught.value) == said


def test_the_first_file_that_makes_an_app_has_it() -> None:
    assert app_of({"server.py": b"s = FastAPI()", "app.py": b"a = FastAPI()"}) == "app:a"
    assert app_of({"main.py": b"app = make()", "app.py": b"not Python ("}) == ""
