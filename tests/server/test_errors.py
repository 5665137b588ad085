"""Which status an error has, and what is told of one that is not ours."""

from __future__ import annotations

import pytest

from flash_jupyter.errors import (
    ApiError,
    EmulatorError,
    FlashError,
    JobError,
    OptionError,
    RateLimitedError,
    SettingsError,
    UnreachableError,
)
from flash_jupyter.server.errors import BadRequestError, document_of, status_of

STATUSES: dict[str, tuple[FlashError, int]] = {
    "a value that can't be meant": (BadRequestError("days is `x`"), 400),
    "what the path names is not there": (OptionError("there is no job"), 404),
    "the platform's own status": (ApiError("no", status=418), 418),
    "too many requests": (RateLimitedError("slower"), 429),
    "the platform answered what it should not": (ApiError("the platform's answer is no Endpoint"), 502),
    "no answer": (UnreachableError("silent"), 502),
    "the embedded Runpod does not start": (EmulatorError("ended"), 500),
    "the user's settings": (SettingsError("no key"), 409),
    "a job": (JobError("lost"), 409),
}


@pytest.mark.parametrize(("error", "status"), STATUSES.values(), ids=STATUSES)
def test_status(error: FlashError, status: int) -> None:
    assert status_of(error) == status


def test_a_mistake_of_ours_tells_its_name_and_nothing_else() -> None:
    assert document_of(ValueError("has key-0123456789 in it")) == {
        "type": "ValueError",
        "message": "a mistake of ours",
        "fix": "look at the log of the Jupyter server, and please report it",
        "status": 500,
    }
