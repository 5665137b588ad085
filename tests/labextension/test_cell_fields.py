"""The form of a cell has the options that the build reads, and no other; its roles are those of the build."""

from __future__ import annotations

import re
from pathlib import Path

from flash_jupyter import limits
from flash_jupyter.build.cells import Role
from flash_jupyter.resources.options import public_options

CELLS = Path(__file__).parents[2] / "labextension" / "src" / "cells"
#: what says how a cell of a kernel runs, and not how an endpoint is deployed
OF_A_RUN = {"drop", "include", "backend", "job", "retries", "detach", "dry", "local", "once", "ttl"}


def test_the_form_has_the_options_of_a_deployed_endpoint() -> None:
    text = (CELLS / "options.ts").read_text()
    assert set(re.findall(r"name: '(\w+)'", text)) == set(public_options()) - OF_A_RUN


def test_what_the_form_shows_for_an_empty_field_is_what_holds_then() -> None:
    text = (CELLS / "options.ts").read_text()
    shown = dict(re.findall(r"name: '(\w+)'[^}]*?placeholder: '([\d-]+)'", text))
    assert shown == {
        "workers": f"0-{limits.OUR_WORKERS_MAX}",
        "idle": str(limits.OUR_IDLE_TIMEOUT_S),
        "timeout": f"{limits.OUR_EXECUTION_TIMEOUT_S:.0f}",
        "count": "1",
    }


def test_the_form_has_the_roles_of_the_build() -> None:
    text = (CELLS / "marks.ts").read_text()
    roles = {role.value for role in Role} - {Role.PARAMETERS.value}
    assert set(re.findall(r"role: '(\w*)', label", text) + re.findall(r"role: '(\w*)',\n\s+label", text)) == roles
