"""What the form of a cell is told while its user writes: the words of the build."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_user import Ask, User

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a handler with fitting options": (
        {"source": "y = x", "tags": ["flash:handler:score"], "options": {"gpu": "AMPERE_80", "timeout": "60"}},
        {"problems": []},
    ),
    "a cell without a mark": (
        {"source": "y = x", "tags": ["other"]},
        {"problems": []},
    ),
    "a role that does not exist": (
        {"source": "y = x", "tags": ["flash:handle"]},
        {
            "problems": [
                {
                    "message": "this cell has the mark `flash:handle`, which does not exist",
                    "fix": "did you mean flash:handler?",
                }
            ],
        },
    ),
    "an option that does not exist": (
        {"source": "y = x", "tags": ["flash:handler"], "options": {"gpus": "any"}},
        {
            "problems": [{"message": "this cell: there is no option gpus=", "fix": "did you mean gpu=?"}],
        },
    ),
    "options that contradict each other": (
        {"source": "y = x", "tags": ["flash:handler"], "options": {"gpu": "AMPERE_80", "cpu": "cpu3c-2-4"}},
        {
            "problems": [{"message": "this cell: gpu= and cpu= exclude each other", "fix": "keep one of the two"}],
        },
    ),
}


@pytest.mark.parametrize(("cell", "told"), CASES.values(), ids=CASES)
async def test_a_cell_is_checked(cell: dict[str, Any], told: dict[str, Any], ask: Ask, user: User) -> None:
    answer = await ask("POST", "/cells/check", body=json.dumps(cell))
    assert (answer.status, answer.document) == (200, told)
    assert user.services == [], "no client is made for it"


@pytest.mark.parametrize("body", ["", "[]", '{"source": 1, "tags": []}', '{"source": "", "tags": "flash:test"}'])
async def test_what_is_no_cell_is_refused(body: str, ask: Ask) -> None:
    answer = await ask("POST", "/cells/check", body=body)
    assert (answer.status, answer.document["message"]) == (400, "this is no cell")


async def test_what_is_no_json_is_refused(ask: Ask) -> None:
    answer = await ask("POST", "/cells/check", body="{")
    assert (answer.status, answer.document["message"]) == (400, "Invalid JSON in body of request")
