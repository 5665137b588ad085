from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.enums import DataCenter
from flash_jupyter.resources.volume import NetworkVolume, parse_volume

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "neither name nor id",
        {"size": 50},
        'a NetworkVolume needs a name or an id\n  → write NetworkVolume(name="models", size=100)',
    ),
    (
        "a blank name",
        {"name": " "},
        'a NetworkVolume needs a name or an id\n  → write NetworkVolume(name="models", size=100)',
    ),
    (
        "too small",
        {"name": "m", "size": 9},
        "size=9 does not fit: input should be greater than or equal to 10\n  → see NetworkVolume? for what size= takes",
    ),
    (
        "too large",
        {"name": "m", "size": 4097},
        (
            "size=4097 does not fit: input should be less than or equal to 4096\n"
            "  → see NetworkVolume? for what size= takes"
        ),
    ),
    (
        "an unknown place",
        {"name": "m", "datacenter": "EU-RO-9"},
        "dataCenterId=EU-RO-9 is not a data centre that we know\n  → did you mean EU-RO-1?",
    ),
    ("a slip", {"nam": "m"}, "NetworkVolume has no argument nam=\n  → did you mean name=?"),
]


@pytest.mark.parametrize(("values", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_volume_that_can_not_be(values: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError) as caught:
        NetworkVolume(**values)
    assert str(caught.value) == text


def test_a_volume_by_name_is_made_with_the_published_defaults() -> None:
    volume = NetworkVolume(name="models")
    assert (volume.size, volume.data_center_id) == (100, "EU-RO-1")


def test_the_place_has_two_names() -> None:
    assert NetworkVolume(name="m", dataCenterId="US-KS-2") == NetworkVolume(name="m", datacenter=DataCenter.US_KS_2)


def test_where_a_volume_is_that_is_known_by_id_alone() -> None:
    assert NetworkVolume(id="v").place is None
    assert NetworkVolume(id="v", data_center_id="US-KS-2").place == "US-KS-2"
    assert NetworkVolume(name="m").place == "EU-RO-1"


def test_a_text_without_a_size_behind_the_colon() -> None:
    with pytest.raises(OptionError) as caught:
        parse_volume("models:big")
    assert str(caught.value) == "volume=models:big has no size\n  → write volume=NAME:GB, as in volume=models:100"


def test_a_text_takes_the_place_that_is_said_beside_it() -> None:
    assert parse_volume("models", data_center="US-KS-2") == NetworkVolume(name="models", data_center_id="US-KS-2")
