"""What a worker's environment says, and what is done where it has no key."""

from __future__ import annotations

import pytest

from flash_jupyter.backend import Backend
from flash_jupyter.errors import FlashError
from flash_jupyter.runtime.place import read_place

ENV = {
    "FLASH_RESOURCE_NAME": "scorer",
    "FLASH_ENVIRONMENT_ID": "env",
    "RUNPOD_API_BASE_URL": "http://127.0.0.1:1",
    "RUNPOD_ENDPOINT_BASE_URL": "http://127.0.0.1:1/v2",
    "RUNPOD_API_KEY": "rk-1",
}


def test_the_platform_is_where_the_environment_says() -> None:
    place = read_place(ENV)
    assert (place.resource, place.environment_id) == ("scorer", "env")
    expected = Backend("runpod", "http://127.0.0.1:1", "http://127.0.0.1:1/v2", "rk-1", "RUNPOD_API_KEY of this worker")
    assert place.backend("") == expected
    assert "rk-1" not in repr(place)


WITHOUT = {
    "no variable": ("", "this worker has no RUNPOD_API_KEY"),
    "a secret that is not stored": ("{{ RUNPOD_SECRET_team }}", "the secret team is not stored"),
}


@pytest.mark.parametrize(("key", "why"), WITHOUT.values(), ids=WITHOUT.keys())
def test_without_a_key_it_is_said_what_to_do(key: str, why: str) -> None:
    with pytest.raises(FlashError) as caught:
        read_place({**ENV, "RUNPOD_API_KEY": key}).backend("scorer calls clean of cleaner")
    assert str(caught.value) == (
        f"scorer calls clean of cleaner, and for that it needs a key: {why}\n"
        "  → store a restricted key as a secret of Runpod, then: flash deploy send --runtime-secret NAME"
    )
