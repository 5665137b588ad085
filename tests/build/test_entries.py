"""What the manifest says of a resource: everything that was said, and no secret."""

from __future__ import annotations

import pytest
from projects import export

from flash_jupyter.build.entries import choose_python, environment_variables, make_entry, told_of_secrets
from flash_jupyter.build.project import Group, group
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.classes import CpuLiveLoadBalancer, LiveServerless
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.model import Resource

TOKEN = "hf_" + "a1B2" * 8
RANDOM = "Zq81nPx0LmR7vT2c"


def grouped(*resources: Resource) -> tuple[Group, ...]:
    return group([export(f"f{number}", "m", resource) for number, resource in enumerate(resources)], "shop")


def test_everything_that_was_said_is_there() -> None:
    said = {
        "name": "ocr",
        "gpus": ["ADA_24"],
        "gpuCount": 2,
        "workersMin": 1,
        "workersMax": 4,
        "idleTimeout": 30,
        "executionTimeoutMs": 90_000,
        "scalerValue": 7,
        "networkVolume": {"name": "models", "size": 50},
        "env": {"MODE": "fast", "TOKEN": "{{ RUNPOD_SECRET_token }}"},
        "template": {"containerDiskInGb": 40},
        "flashboot": False,
        "datacenter": ["EU-RO-1"],
        "cudaVersions": ["12.8"],
    }
    (made,) = grouped(LiveServerless(**said))
    entry = make_entry(made, "3.12", Images(), {})
    assert entry.config == said
    assert entry.model_dump(exclude={"config", "functions"}, exclude_none=True) == {
        "resource_type": "LiveServerless",
        "is_load_balanced": False,
        "handler_file": "handler_ocr.py",
        "imageName": "runpod/flash:py3.12-latest",
        "target_python_version": "3.12",
        "gpuIds": "ADA_24",
        "workersMin": 1,
        "workersMax": 4,
        "idleTimeout": 30,
        "scalerType": "QUEUE_DELAY",
        "scalerValue": 7,
        "locations": "EU-RO-1",
    }
    assert LiveServerless(**entry.config) == made.resource


def test_a_load_balancer_on_cpus() -> None:
    (made,) = grouped(CpuLiveLoadBalancer(name="web"))
    entry = make_entry(made, "3.11", Images(lb_cpu="me/lb:1"), {}).model_dump()
    assert (entry["is_load_balanced"], entry["imageName"], entry["instanceIds"]) == (True, "me/lb:1", ["cpu3g-2-8"])
    assert "gpuIds" not in entry


def test_an_image_of_the_user_s_own_stays() -> None:
    (made,) = grouped(LiveServerless(name="a", imageName="me/mine:1"))
    assert make_entry(made, "3.11", Images(), {}).imageName == "me/mine:1"


def test_a_secret_does_not_enter_the_manifest() -> None:
    (made,) = grouped(LiveServerless(name="a", env={"HF_TOKEN": "hf_" + "a1B2" * 8}))
    with pytest.raises(BuildError) as raised:
        make_entry(made, "3.11", Images(), {})
    assert str(raised.value) == (
        "env= of a: HF_TOKEN holds a Hugging Face token, which would be stored with the bundle\n"
        "  → store it as a secret of Runpod and write {{ RUNPOD_SECRET_hf_token }}"
    )


PYTHONS = {
    "this one": ([LiveServerless(name="a")], None, "3.11"),
    "what a resource names": ([LiveServerless(name="a", python_version="3.12")], None, "3.12"),
    "what is asked for": ([LiveServerless(name="a")], "3.13", "3.13"),
    "both, where they agree": ([LiveServerless(name="a", python_version="3.12")], "3.12", "3.12"),
}


@pytest.mark.parametrize(("resources", "wanted", "python"), PYTHONS.values(), ids=PYTHONS.keys())
def test_the_python_of_a_bundle(resources: list[Resource], wanted: str | None, python: str) -> None:
    assert choose_python(grouped(*resources), wanted, (3, 11)) == python


NO_PYTHONS = {
    "two": (
        "3.11",
        (3, 11),
        (
            "a bundle is for one Python: --python-version names 3.11, the resource a names 3.12\n"
            "  → name the same one everywhere"
        ),
    ),
    "one without images": (
        "3.9",
        (3, 11),
        (
            "--python-version names Python 3.9, and no image is published for that; there are 3.10 to 3.13\n"
            "  → build for another: --python-version 3.13"
        ),
    ),
    "this one, without images": (
        None,
        (3, 14),
        (
            "this Python is 3.14, and no image is published for that; there are 3.10 to 3.13\n"
            "  → build for another: --python-version 3.13"
        ),
    ),
}


@pytest.mark.parametrize(("wanted", "here", "text"), NO_PYTHONS.values(), ids=NO_PYTHONS.keys())
def test_a_python_that_can_t_be(wanted: str | None, here: tuple[int, int], text: str) -> None:
    named = "3.12" if wanted == "3.11" else None
    with pytest.raises(BuildError) as raised:
        choose_python(grouped(LiveServerless(name="a", python_version=named)), wanted, here)
    assert str(raised.value) == text


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param('import os\nKEY = os.environ["KEY"]', ["KEY"], id="read as an item"),
        pytest.param('import os\ndef f():\n    return os.getenv("KEY")', ["KEY"], id="read in a function"),
        pytest.param('from os import environ, getenv\ngetenv("A"), environ["B"]', ["A", "B"], id="imported by name"),
        pytest.param('import os\nos.getenv("KEY", "x"), os.environ.get("KEY")', [], id="what has a default"),
        pytest.param('import os\nos.getenv("KEY", default="x")', [], id="a default by name"),
        pytest.param('import os\nos.environ["KEY"] = "1"', [], id="set, not read"),
        pytest.param('environment = {}\nenvironment["KEY"]', [], id="another name"),
        pytest.param("def f(:", [], id="no Python"),
    ],
)
def test_variables_are_those_that_are_read_without_a_default(source: str, names: list[str]) -> None:
    assert environment_variables(["m"], {"m.py": source.encode()}) == names


def test_local_modules_that_are_imported_count_and_others_do_not() -> None:
    files = {
        "workers/__init__.py": b"import os; os.environ['PACKAGE']",
        "workers/gpu.py": b"from . import tools\nfrom .more import thing",
        "workers/tools.py": b"import os; os.environ['TOOLS']",
        "workers/more/__init__.py": b"from ..deep import x; import os; os.environ['MORE']",
        "workers/deep.py": b"import os; os.environ['DEEP']; import workers.gpu",
        "other.py": b"import os; os.environ['OTHER']",
    }
    assert environment_variables(["workers.gpu"], files) == ["DEEP", "MORE", "PACKAGE", "TOOLS"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"TOKEN = {TOKEN!r}", "line 1: TOKEN looks like a Hugging Face token"),
        (f"\nself.token: str = {TOKEN!r}", "line 2: token looks like a Hugging Face token"),
        (f"login(api_key={RANDOM!r})", "line 1: api_key looks like a secret"),
        (f"{{'password': {RANDOM!r}}}", "line 1: password looks like a secret"),
        (f"login({TOKEN!r})", "line 1: a text looks like a Hugging Face token"),
    ],
    ids=["a name", "an attribute", "an argument", "an entry", "a bare text"],
)
def test_a_secret_is_told_once_and_without_its_value(source: str, said: str) -> None:
    (note,) = told_of_secrets({"churn.py": source.encode()})
    assert note.startswith(f"churn.py, {said}")
    assert TOKEN not in note
    assert RANDOM not in note


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("churn.py", "import os\nTOKEN = os.environ['TOKEN']\nMODEL = 'sklearn/digits-classifier'\ntoken = 'short'"),
        ("broken.py", f"TOKEN = {TOKEN!r} ("),
        ("data.csv", TOKEN),
    ],
    ids=["read from the environment", "no Python", "no module"],
)
def test_what_holds_none_is_not_told(path: str, source: str) -> None:
    assert told_of_secrets({path: source.encode()}) == ()
