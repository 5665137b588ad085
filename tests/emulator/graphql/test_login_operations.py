"""The login without a key: its states, and that the key is handed out once."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import KEY, Api
from graphql_documents import DOCUMENTS

EXPIRES = "2026-05-28T20:36:40.000000Z"


def ask(api: Api, operation: str, **variables: Any) -> dict[str, Any]:
    """Without the key, as a client does that has none."""
    answer = api.post("/graphql", json={"query": DOCUMENTS[operation], "variables": variables}, headers={})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def status(api: Api, login: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(api, "flashAuthRequestStatus", flashAuthRequestId=login)["data"][
        "flashAuthRequestStatus"
    ]
    return found


@pytest.fixture
def login(api: Api) -> str:
    made = ask(api, "createFlashAuthRequest")["data"]["createFlashAuthRequest"]
    assert made == {"id": made["id"], "status": "PENDING", "expiresAt": EXPIRES}
    return str(made["id"])


def decide(api: Api, login: str, body: Any) -> tuple[int, Any]:
    answer = api.post(f"/_flash/logins/{login}", json=body)
    return answer.status_code, answer.json()


def test_an_approved_login_gets_the_key_once(api: Api, login: str) -> None:
    pending = {"id": login, "status": "PENDING", "expiresAt": EXPIRES}
    assert status(api, login) == {**pending, "apiKey": None}
    assert api.get("/_flash/logins").json() == {"logins": [pending]}
    assert decide(api, login, {"approve": True}) == (200, {**pending, "status": "APPROVED"})
    assert api.get("/_flash/logins").json() == {"logins": []}
    assert status(api, login) == {**pending, "status": "APPROVED", "apiKey": KEY}
    assert status(api, login) == {**pending, "status": "CONSUMED", "apiKey": None}


def test_a_denied_login_gets_nothing(api: Api, login: str) -> None:
    assert decide(api, login, {"approve": False})[0] == 200
    assert status(api, login) == {"id": login, "status": "DENIED", "expiresAt": EXPIRES, "apiKey": None}
    assert decide(api, login, {"approve": True}) == (409, {"error": "the login request is DENIED already"})


@pytest.mark.parametrize("approved", [False, True], ids=["not approved", "approved and not collected"])
def test_a_login_expires(api: Api, login: str, approved: bool) -> None:
    if approved:
        decide(api, login, {"approve": True})
    api.clock.now += 601
    assert status(api, login) == {"id": login, "status": "EXPIRED", "expiresAt": EXPIRES, "apiKey": None}
    assert decide(api, login, {"approve": True}) == (409, {"error": "the login request is EXPIRED already"})


def test_a_login_that_there_is_not(api: Api) -> None:
    answer = ask(api, "flashAuthRequestStatus", flashAuthRequestId="nope")
    assert answer["data"] == {"flashAuthRequestStatus": None}
    assert [error["message"] for error in answer["errors"]] == ["login request not found: nope"]
    assert decide(api, "nope", {"approve": True}) == (404, {"error": "login request not found: nope"})


NO_DECISION = 'the body must be {"approve": true} or {"approve": false}'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, NO_DECISION),
        ([], "the body is no JSON object"),
        ({"approve": 1}, NO_DECISION),
        ({"approve": "yes"}, NO_DECISION),
    ],
)
def test_a_decision_is_yes_or_no(api: Api, login: str, body: Any, text: str) -> None:
    assert decide(api, login, body) == (400, {"error": text})


def test_only_whoever_has_the_key_decides(api: Api, login: str) -> None:
    assert api.post(f"/_flash/logins/{login}", json={"approve": True}, headers={}).status_code == 401
    assert api.get("/_flash/logins", headers={}).status_code == 401


def test_requests_without_a_key_do_not_fill_the_store(api: Api) -> None:
    for _ in range(105):
        ask(api, "createFlashAuthRequest")
    assert len(api.get("/_flash/logins").json()["logins"]) == 100
    answer = api.post("/graphql", content=b"{" + b" " * 20_000, headers={})
    assert (answer.status_code, answer.json()) == (401, {"errors": [{"message": "the API key is missing or wrong"}]})
