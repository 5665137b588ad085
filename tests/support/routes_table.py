"""Which test asks which route of the embedded Runpod: `tests/emulator/ROUTES.md`, written from a run of the tests.

`python tests/support/routes_table.py` runs `tests/emulator` and writes the table, so that a row names tests which really
asked its route, and passed. `tests/emulator/test_routes.py` compares the table with the routes and the tests that there are.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from contract import FOLDER
from emulated import KEY, REQUESTS, MadeUpPool
from graphql import FieldNode, GraphQLError, OperationDefinitionNode, build_schema, parse
from starlette.applications import Starlette
from starlette.routing import Match, Route

import flash_jupyter.emulator
from flash_jupyter.emulator.app import create_app
from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.store import Store

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "emulator" / "ROUTES.md"
SCHEMA = Path(flash_jupyter.emulator.__file__).with_name("schema.graphql")
#: so many tests a row: those that ask the fewest other routes
NAMED = 3
_HEAD = """# Routes of the embedded Runpod

Written by `python tests/support/routes_table.py` from a run of `tests/emulator`: each row names tests that asked the
route and passed, at most {named}, those first that ask little else. `test_routes.py` fails where a route has no row.

| route | checked by |
|---|---|
"""
_MISSING = """
## Documented, not implemented

Operations of the REST v2 document (`tests/contract/openapi-v2-operations.json`) which the embedded Runpod does not have.

| route | operation |
|---|---|
"""


def application(folder: Path) -> Starlette:
    """Return an application for its routes; its store is closed again."""
    config = Config(folder=folder, overlays=folder, version="0", environ={})
    store = Store(folder, inline_bytes=1)
    try:
        return create_app(config, store, MadeUpPool(), api_key=KEY, base_url="http://local")
    finally:
        store.close()


def routes_of(app: Starlette) -> list[Route]:
    return [route for route in app.routes if isinstance(route, Route)]


def operations(app: Starlette) -> list[str]:
    """Every route with its method, and every root field of GraphQL, in the order of the route table."""
    found = [f"{method} {route.path}" for route in routes_of(app) for method in _methods(route)]
    schema = build_schema(SCHEMA.read_text())
    roots = {"query": schema.query_type, "mutation": schema.mutation_type}
    return [*found, *(f"{kind} {field}" for kind, root in roots.items() if root for field in root.fields)]


def _methods(route: Route) -> list[str]:
    """A route without methods takes any."""
    return sorted(route.methods - {"HEAD"}) if route.methods else ["ANY"]


def not_implemented(app: Starlette) -> dict[str, str]:
    """The official document's operations that no route serves, with their ids."""
    documented: dict[str, str] = json.loads((FOLDER / "openapi-v2-operations.json").read_text())["operations"]
    served = {_nameless(operation) for operation in operations(app)}
    return {route: name for route, name in documented.items() if _nameless(route) not in served}


def _nameless(operation: str) -> str:
    return re.sub(r"{[^}]*}", "{}", operation)


def asked(app: Starlette, method: str, path: str, body: bytes) -> Iterator[str]:
    """The operations that a request asks for."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for route in routes_of(app):
        if route.matches(scope)[0] is Match.FULL:
            yield f"{method if route.methods else 'ANY'} {route.path}"
            if route.path == "/graphql":
                yield from _root_fields(body)
            return


def _root_fields(body: bytes) -> Iterator[str]:
    try:
        document = parse(json.loads(body)["query"])
    except (ValueError, KeyError, TypeError, GraphQLError):
        return  # a test of what is refused
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            for field in definition.selection_set.selections:
                if isinstance(field, FieldNode):
                    yield f"{definition.operation.value} {field.name.value}"


def is_test(test: str) -> bool:
    """Whether `file::name` is a test function of `tests/emulator`."""
    file, _, name = test.partition("::")
    path = TABLE.parent / file
    if not path.is_file():
        return False
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return any(function.name == name for function in functions)


def rows(text: str) -> dict[str, list[str]]:
    """The table's rows: route -> tests or operation."""
    cells = re.findall(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)
    return {route: re.findall(r"`([^`]+)`", tests) for route, tests in cells}


class Recorder:
    """A pytest plugin: which operations each test asked for."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.by_test: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_runtest_setup(self) -> None:
        REQUESTS.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            file, _, name = report.nodeid.partition("::")
            test = f"{Path(file).relative_to('tests/emulator').as_posix()}::{name.partition('[')[0]}"
            for request in list(REQUESTS):
                self.by_test[test].update(asked(self._app, *request))


def table(app: Starlette, by_test: dict[str, set[str]]) -> str:
    """Return the text of ROUTES.md."""
    lines = [f"| `{operation}` | {_cell(_tests_of(operation, by_test))} |" for operation in operations(app)]
    missing = [f"| `{route}` | `{name}` |" for route, name in not_implemented(app).items()]
    return _HEAD.format(named=NAMED) + "\n".join(lines) + "\n" + _MISSING + "\n".join(missing) + "\n"


def _tests_of(operation: str, by_test: dict[str, set[str]]) -> list[str]:
    tests = [test for test, found in by_test.items() if operation in found]
    return sorted(tests, key=lambda test: (len(by_test[test]), test))[:NAMED]


def _cell(tests: Iterable[str]) -> str:
    return ", ".join(f"`{test}`" for test in tests)


def main(folder: Path) -> int:
    """Run the tests and write the table."""
    app = application(folder)
    recorder = Recorder(app)
    quick = ["-q", "-p", "no:cacheprovider", "-m", "not slow", f"--ignore={TABLE.parent}/test_routes.py"]
    quick += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # this script has imported what pytest would rewrite
    code = pytest.main([*quick, str(TABLE.parent)], plugins=[recorder])
    if code == 0:
        TABLE.write_text(table(app, recorder.by_test))
    return int(code)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(Path(scratch)))
