from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.template import PodTemplate


def test_the_published_pairs_and_a_dictionary_are_the_same_environment() -> None:
    assert PodTemplate(env=[{"key": "A", "value": "1"}]) == PodTemplate(env={"A": "1"})


def test_what_was_said_becomes_a_container() -> None:
    template = PodTemplate(
        name="mine",
        imageName="me/mine:1",
        containerDiskInGb=30,
        containerRegistryAuthId="reg1",
        dockerArgs="--fast",
        ports="80/http, 22/tcp",
    )
    assert template.container() == {"disk": 30, "args": "--fast", "ports": ["80/http", "22/tcp"], "registry": "reg1"}
    assert PodTemplate().container() == {}


@pytest.mark.parametrize(
    ("published", "value"), [("startScript", "echo"), ("advancedStart", True), ("config", {"a": 1})]
)
def test_what_the_api_has_no_field_for_is_refused(published: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        PodTemplate(**{published: value})
    assert str(caught.value) == (
        f"PodTemplate: {published}= can't be sent: Runpod's API has no such field\n"
        "  → put it into the image, or use dockerArgs="
    )


def test_what_released_clients_send_for_nothing_is_nothing() -> None:
    assert PodTemplate(advancedStart=False, config={}, startScript="", ports="", dockerArgs="").container() == {}
