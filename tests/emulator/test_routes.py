"""The generated table of routes: complete, and every test that it names exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from routes_table import TABLE, application, asked, is_test, not_implemented, operations, rows
from starlette.applications import Starlette

WRITE = "run: python tests/support/routes_table.py"


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    return application(tmp_path)


def implemented() -> dict[str, list[str]]:
    return rows(TABLE.read_text().partition("## Documented")[0])


def test_every_route_and_operation_has_a_row(app: Starlette) -> None:
    missing = [operation for operation in operations(app) if operation not in implemented()]
    assert missing == [], f"no test asks for these, or the table is old; {WRITE}"


def test_every_row_is_of_a_route_that_there_is(app: Starlette) -> None:
    assert set(implemented()) <= set(operations(app)), WRITE


@pytest.mark.parametrize("operation", implemented())
def test_a_row_names_tests_that_exist(operation: str) -> None:
    tests = implemented()[operation]
    assert tests, f"no test asks for {operation}; write one, then {WRITE}"
    assert [test for test in tests if not is_test(test)] == [], WRITE


def test_what_is_not_implemented_is_listed(app: Starlette) -> None:
    listed = rows(TABLE.read_text().partition("## Documented")[2])
    assert {route: names[0] for route, names in listed.items()} == not_implemented(app), WRITE


def test_a_request_is_found_in_the_route_table(app: Starlette) -> None:
    query = b'{"query": "mutation deleteEndpoint($id: String!) { deleteEndpoint(id: $id) }"}'
    assert list(asked(app, "GET", "/v2/templates/x", b"")) == ["GET /v2/templates/{id}"]
    assert list(asked(app, "POST", "/graphql", query)) == ["POST /graphql", "mutation deleteEndpoint"]
    assert list(asked(app, "GET", "/v2/nothing/at/all/here", b"")) == []
