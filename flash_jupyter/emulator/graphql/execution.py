"""Running documents with graphql-core against `schema.graphql`, and the resolvers of its root fields.

Imported with the first request: it takes its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    build_schema,
    execute_sync,
    parse,
    validate,
    visit,
)

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.artifacts import Artifacts
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.graphql import Arguments, Resolver, field
from flash_jupyter.emulator.graphql.app_operations import AppOperations
from flash_jupyter.emulator.graphql.endpoint_operations import EndpointOperations, TemplateOperations, user
from flash_jupyter.emulator.graphql.hardware_operations import HardwareOperations
from flash_jupyter.emulator.logins import Logins, show_login
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.templates import Templates
from flash_jupyter.emulator.volumes import Volumes
from flash_jupyter.emulator.world import World

_SCHEMA = Path(__file__).parents[1] / "schema.graphql"
#: what is asked before there is a key
_OPEN_FIELDS = {"createFlashAuthRequest", "flashAuthRequestStatus"}
#: a document of the released clients has some 200
_TOKENS_MAX = 10_000


class Unauthorized(Exception):
    """The document asks for more than a login, and there was no key."""


class Forbidden(Exception):
    """The key may read only, and the document does more; the text says what."""


class Executor:
    """The schema and the resolvers of its root fields."""

    def __init__(self, resolvers: Mapping[str, Resolver]) -> None:
        self._schema: GraphQLSchema = build_schema(_SCHEMA.read_text())
        self._root = {name: field(resolver) for name, resolver in resolvers.items()}

    def run(
        self, query: str, variables: dict[str, Any], *, with_key: bool, reads_only: bool = False
    ) -> tuple[int, dict[str, Any]]:
        """Return the HTTP status and the answer; `errors` is in it only where there are some.

        A document that can't be executed answers 400. Raises `Unauthorized`, `Forbidden`, and what a resolver raised by
        mistake.
        """
        try:
            document = parse(query, max_tokens=_TOKENS_MAX)
        except GraphQLError as error:
            return 400, {"errors": [error.formatted]}
        if not with_key and not _is_login(document):
            raise Unauthorized
        if reads_only:
            _check_reads(document)
        invalid = validate(self._schema, document)
        if invalid:
            return 400, {"errors": [error.formatted for error in invalid]}
        result = execute_sync(self._schema, document, self._root, variable_values=variables)
        _raise_mistakes(result)
        errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        if result.data is None:
            return 400, errors
        return 200, {**errors, "data": result.data}


def _is_login(document: DocumentNode) -> bool:
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            return False
        for selected in definition.selection_set.selections:
            if not isinstance(selected, FieldNode) or selected.name.value not in _OPEN_FIELDS:
                return False
    return True


class _Reads(Visitor):
    """Refuses what changes something, and the keys of endpoints, with which any of them could be called."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        if node.operation is not OperationType.QUERY:
            raise Forbidden(f"the API key may read only, and not run a {node.operation.value}")

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value == "aiKey":
            raise Forbidden("the API key may not read the keys of endpoints")


def _check_reads(document: DocumentNode) -> None:
    visit(document, _Reads())


def _raise_mistakes(result: ExecutionResult) -> None:
    for error in result.errors or ():
        cause = error.original_error
        if cause is not None and not isinstance(cause, Problem | GraphQLError):
            raise cause


def all_resolvers(
    world: World,
    endpoints: Endpoints,
    templates: Templates,
    volumes: Volumes,
    apps: Apps,
    artifacts: Artifacts,
    logins: Logins,
) -> dict[str, Resolver]:
    """Return the resolver of each root field."""
    of_templates = TemplateOperations(world, endpoints, templates)
    of_endpoints = EndpointOperations(world, endpoints, of_templates, volumes, apps)
    of_apps = AppOperations(apps, artifacts, volumes, of_endpoints, world.clock)
    return {
        "myself": user(of_endpoints, of_apps.all),
        **of_endpoints.resolvers(),
        **of_templates.resolvers(),
        **HardwareOperations(world.faults).resolvers(),
        **of_apps.resolvers(),
        **_login_resolvers(logins),
    }


def _login_resolvers(logins: Logins) -> dict[str, Resolver]:
    def status(arguments: Arguments) -> dict[str, Any]:
        """`flashAuthRequestStatus` - with the key the first time after the approval."""
        login, key = logins.collect(arguments["flashAuthRequestId"])
        return {**show_login(login), "apiKey": key}

    return {"createFlashAuthRequest": lambda _: show_login(logins.create()), "flashAuthRequestStatus": status}
