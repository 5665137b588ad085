"""Which functions of plain modules a smoke test calls: none unasked, and never what most likely acts on something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.build.asking import SHOW_IT, Served
from flash_jupyter.build.manifest import Function, Resource
from flash_jupyter.build.smoke import UNASKED, smoke, why_not
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError
from flash_jupyter.settings import read_settings

DEFAULTS = {"properties": {"epochs": {"default": 50}}}
NOTHING: dict[str, Any] = {"properties": {}}
REQUIRED = {"properties": {"x": {}}, "required": ["x"]}
CASES: list[tuple[str, dict[str, Any], bool, tuple[str, str]]] = [
    ("with defaults", {"input_schema": DEFAULTS}, False, (UNASKED, "")),
    (
        "without parameters",
        {"input_schema": NOTHING},
        False,
        (f"not called: it takes no parameters, so it may be there to act; {SHOW_IT}",) * 2,
    ),
    (
        "without a default",
        {"input_schema": REQUIRED},
        False,
        (f"x has no literal default; {SHOW_IT}",) * 2,
    ),
    ("a class", {"is_class": True}, False, (f"a class has no default call; {SHOW_IT}",) * 2),
    ("GET", {"input_schema": DEFAULTS, "http_method": "GET", "http_path": "/p"}, True, (UNASKED, "")),
    (
        "POST",
        {"input_schema": DEFAULTS, "http_method": "POST", "http_path": "/charge"},
        True,
        (f"not called: a POST may change something; {SHOW_IT}",) * 2,
    ),
    (
        "DELETE",
        {"input_schema": DEFAULTS, "http_method": "delete", "http_path": "/orders"},
        True,
        (f"not called: a DELETE may change something; {SHOW_IT}",) * 2,
    ),
]


@pytest.mark.parametrize(("fields", "is_balanced", "reasons"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_why_a_function_is_not_called(fields: dict[str, Any], is_balanced: bool, reasons: tuple[str, str]) -> None:
    function = Function(name="f", module="m", **fields)
    served = serve(function, is_balanced=is_balanced)
    assert (why_not(function, served, asked=False), why_not(function, served, asked=True)) == reasons


def serve(*functions: Function, is_balanced: bool = False) -> Served:
    resource = Resource(resource_type="LiveServerless", functions=[*functions], is_load_balanced=is_balanced)
    return Served("r", "e1", "http://127.0.0.1:9/v2/e1", resource)


def test_unasked_nothing_of_a_module_runs_here_and_the_reason_names_the_flag(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS.format(ran=str(tmp_path / "ran")))
    project, settings = read_project(tmp_path), read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")})
    told: list[str] = []
    verdicts = smoke(project, (serve(project.exports[0].function),), settings, told.append, api_key="key")
    assert "\n".join(map(str, verdicts)) == (
        "cleanup: not verified, give it an example in its docstring, or call it in a flash:test cell; functions of a .py"
        " module are called with their defaults only with --try-defaults"
    )
    assert (told, (tmp_path / "ran").exists()) == ([], False)


def test_where_nothing_can_run_each_function_keeps_its_own_reason(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS.format(ran=str(tmp_path / "ran")))
    project, settings = read_project(tmp_path), read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")})
    plain = Function(name="plain", module="jobs", input_schema=NOTHING)

    def fail(text: str) -> None:
        raise BuildError(f"no kernel, when it was {text}", fix="")

    served = (serve(plain, project.exports[0].function),)
    verdicts = smoke(project, served, settings, fail, api_key="key", with_defaults=True)
    assert [(each.function, each.text.partition(",")[0]) for each in verdicts] == [
        ("plain", "not called: it takes no parameters"),
        ("cleanup", "no kernel"),
    ]


@pytest.mark.journey
def test_when_asked_they_run_in_a_copy_that_has_the_project_s_own_files_only(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS.format(ran=str(tmp_path / "ran")))
    (tmp_path / "diary.txt").write_text("mine")
    project, settings = (
        read_project(tmp_path / "jobs.py"),
        read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")}),
    )
    served = (serve(project.exports[0].function),)
    (verdict,) = smoke(project, served, settings, api_key="key", with_defaults=True)
    assert (verdict.state, (tmp_path / "ran").read_text()) == ("not verified", "['jobs.py']"), verdict


JOBS = """\
from flash_jupyter import CpuLiveServerless, remote


@remote(CpuLiveServerless(name="jobs"))
async def cleanup(dry_run=False):
    import os
    open({ran!r}, "w").write(repr([each for each in os.listdir() if not each.startswith("__")]))
    raise LookupError("nothing to clean")
"""

NOTEBOOK = """\
# %% tags=["flash:setup"]
x = 2

# %% tags=["flash:handler:twice"]
2 * x
"""


def test_a_folder_that_can_t_be_copied_is_a_reason_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(NOTEBOOK)
    project, settings = (
        read_project(tmp_path / "sums.py"),
        read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")}),
    )
    (tmp_path / "loop").symlink_to("loop")
    served = (serve(project.exports[0].function),)
    (verdict,) = smoke(project, served, settings, api_key="key")
    assert verdict.text.startswith(f"{tmp_path} can't be copied for a scratch copy: [Errno 40]"), verdict
    assert (verdict.function, verdict.state) == ("twice", "not verified")
