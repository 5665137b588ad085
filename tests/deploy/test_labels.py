"""Which endpoints are an environment's, by their labels and by what the platform counts."""

from __future__ import annotations

import pytest

from flash_jupyter.deploy.labels import endpoints_of
from flash_jupyter.wire.apps import Environment, Named
from flash_jupyter.wire.control import Endpoint

NAMES = {"FLASH_APP": "shop", "FLASH_ENV": "live"}
ONE = (Named(id="ep1"),)
OTHER = Environment(id="e2", name="test", endpoints=ONE)


@pytest.mark.parametrize(
    ("env", "counted", "others", "is_own"),
    [
        pytest.param(NAMES, (), (), True, id="named so, and nobody counts it"),
        pytest.param(NAMES, (), (OTHER,), False, id="named so, and another environment counts it"),
        pytest.param(NAMES, ONE, (OTHER,), True, id="counted by both"),
        pytest.param({**NAMES, "FLASH_ENVIRONMENT_ID": "e2"}, (), (), False, id="named so, with another's id"),
        pytest.param({"FLASH_ENVIRONMENT_ID": "e1"}, (), (OTHER,), True, id="its id, whatever another counts"),
        pytest.param({}, ONE, (), True, id="counted, without a label"),
    ],
)
def test_an_endpoint_is_an_environment_s(
    env: dict[str, str], counted: tuple[Named, ...], others: tuple[Environment, ...], is_own: bool
) -> None:
    live = Environment(id="e1", name="live", endpoints=counted)
    assert bool(endpoints_of("shop", live, [Endpoint(id="ep1", name="till", env=env)], others)) is is_own
