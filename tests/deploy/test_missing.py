"""Variables that functions read, and nobody sets."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.build.manifest import Manifest, Resource, make_manifest
from flash_jupyter.deploy.missing import check_variables, missing_variables
from flash_jupyter.errors import DeployError


def manifest(reads: list[str], **config: Any) -> Manifest:
    entry = Resource(resource_type="LiveServerless", environment_variables=reads, config=config)
    return make_manifest("p", "3.11", {"scorer": entry}, "0" * 64)


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        pytest.param(manifest(["MODEL"]), {"scorer": ["MODEL"]}, id="set by nobody"),
        pytest.param(manifest(["MODEL"], env={"MODEL": "x"}), {}, id="set in env="),
        pytest.param(manifest(["MODEL"], template={"env": {"MODEL": "x"}}), {}, id="set in a template"),
        pytest.param(manifest(["MODEL"], template="tpl1"), {}, id="a stored template may have it"),
        pytest.param(manifest(["HOME", "RUNPOD_POD_ID", "FLASH_ENV", "PORT"]), {}, id="a worker has it by itself"),
    ],
)
def test_a_variable_is_missing_where_neither_user_nor_platform_sets_it(
    made: Manifest, missing: dict[str, list[str]]
) -> None:
    assert missing_variables(made) == missing


def test_missing_variables_are_all_named_with_what_to_write() -> None:
    with pytest.raises(DeployError) as raised:
        check_variables(manifest(["MODEL", "TOKEN"]))
    assert str(raised.value) == (
        "environment variables are missing: scorer reads MODEL, TOKEN; nothing was changed\n"
        "  → set them in env= of the resource, for a secret as {{ RUNPOD_SECRET_model }}, and build again"
    )
