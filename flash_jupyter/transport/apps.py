"""GraphQL, for what REST v2 lacks: flash apps, environments, builds, artifacts, and two kinds of endpoint.

This file is the whole port: when GraphQL ends (announced for early 2027), it is the one that goes. Operations and
selected fields are those of the released clients (flash-wire reference, 1.2). Queries are repeated when the platform
says that it will do better later; mutations never are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from flash_jupyter.errors import ApiError, GraphQLError, GraphQLMutationError, GraphQLQueryError, NotFoundError
from flash_jupyter.transport import operations
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.rest import DEADLINE_S, read_answer
from flash_jupyter.wire.apps import (
    App,
    Build,
    Deployed,
    Environment,
    FinishedBuild,
    GraphQLAnswer,
    Named,
    SavedEndpoint,
    Upload,
)

T = TypeVar("T")

#: as the released client repeats a query: four attempts, pauses from 1 s to 15 s (flash-wire reference, 1.1)
QUERY_RETRY = Retry(attempts=4, first_s=1.0, cap_s=15.0, deadline_s=65.0)
#: the status of what GraphQL refuses: with errors it answers 200 or 400, which say the same
REFUSED = 400
#: words of a failure that passes (flash-wire reference, 1.1)
TRANSIENT = (
    "try again later",
    "internal server error",
    "service unavailable",
    "too many requests",
    "temporarily unavailable",
)


class Apps:
    """The apps of one account. Everything raises `GraphQLError`s, `NotFoundError` and other `ApiError`s."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._url = f"{http.backend.api_url}/graphql"

    # --- apps and environments ------------------------------------------------------------------------------------

    async def apps(self) -> tuple[App, ...]:
        """List all apps with their environments and builds."""
        return _read(tuple[App, ...], await self._query(operations.APPS, {}))

    async def app(self, name: str) -> App:
        """Return the app with this name, or raise `NotFoundError`."""
        return _read(App, await self._query(operations.APP_BY_NAME, {"flashAppName": name}))

    async def create_app(self, name: str) -> Named:
        """Make an app."""
        return _read(Named, await self._mutate(operations.CREATE_APP, {"input": {"name": name}}))

    async def delete_app(self, app_id: str) -> None:
        """Delete an app; its endpoints are not deleted by that."""
        await self._mutate(operations.DELETE_APP, {"flashAppId": app_id}, may_be_null=True)

    async def environments(self, app_id: str) -> tuple[Environment, ...]:
        """List the environments of an app."""
        return _read(tuple[Environment, ...], await self._query(operations.ENVIRONMENTS, {"flashAppId": app_id}))

    async def environment(self, environment_id: str) -> Environment:
        """Return one environment with its endpoints and volumes, or raise `NotFoundError`."""
        return _read(Environment, await self._query(operations.ENVIRONMENT, {"flashEnvironmentId": environment_id}))

    async def environment_by_name(self, app_id: str, name: str) -> Environment:
        """Return the environment of an app with this name, or raise `NotFoundError`."""
        variables = {"input": {"flashAppId": app_id, "name": name}}
        return _read(Environment, await self._query(operations.ENVIRONMENT_BY_NAME, variables))

    async def create_environment(self, app_id: str, name: str) -> Named:
        """Make an environment in an app."""
        variables = {"input": {"flashAppId": app_id, "name": name}}
        return _read(Named, await self._mutate(operations.CREATE_ENVIRONMENT, variables))

    async def delete_environment(self, environment_id: str) -> None:
        """Delete an environment; its endpoints are not deleted by that."""
        await self._mutate(operations.DELETE_ENVIRONMENT, {"flashEnvironmentId": environment_id}, may_be_null=True)

    # --- builds and artifacts -------------------------------------------------------------------------------------

    async def builds(self, app_id: str) -> tuple[Build, ...]:
        """List the builds of an app."""
        return _read(tuple[Build, ...], await self._query(operations.BUILDS, {"flashAppId": app_id}))

    async def manifest(self, build_id: str) -> dict[str, Any]:
        """Return the manifest of a build, or raise `NotFoundError` where there is none."""
        build = _read(FinishedBuild, await self._query(operations.BUILD, {"input": build_id}))
        if build.manifest is None:
            raise NotFoundError(f"build {build_id} has no manifest", fix="deploy the app again")
        return build.manifest

    async def update_manifest(self, build_id: str, manifest: Mapping[str, Any]) -> FinishedBuild:
        """Replace the whole manifest of a build: read it first, or another's change is lost."""
        variables = {"input": {"flashBuildId": build_id, "manifest": dict(manifest)}}
        return _read(FinishedBuild, await self._mutate(operations.UPDATE_MANIFEST, variables))

    async def prepare_upload(self, app_id: str, size_bytes: int) -> Upload:
        """Return where an artifact of this size may be put (`transport/upload.py`)."""
        variables = {"input": {"flashAppId": app_id, "tarballSize": size_bytes}}
        return _read(Upload, await self._mutate(operations.PREPARE_UPLOAD, variables))

    async def finalize_upload(self, app_id: str, object_key: str, manifest: Mapping[str, Any]) -> FinishedBuild:
        """Make a build of an artifact that was put there."""
        variables = {"input": {"flashAppId": app_id, "objectKey": object_key, "manifest": dict(manifest)}}
        return _read(FinishedBuild, await self._mutate(operations.FINALIZE_UPLOAD, variables))

    async def deploy(self, environment_id: str, build_id: str) -> Deployed:
        """Make a build the one that an environment runs."""
        variables = {"input": {"flashEnvironmentId": environment_id, "flashBuildId": build_id}}
        return _read(Deployed, await self._mutate(operations.DEPLOY_BUILD, variables))

    # --- endpoints that REST v2 can't make ------------------------------------------------------------------------

    async def save_endpoint(self, endpoint: Mapping[str, Any]) -> SavedEndpoint:
        """Make an endpoint, or with an `id` change one: for `flashEnvironmentId`, and for 1-vCPU instances."""
        return _read(SavedEndpoint, await self._mutate(operations.SAVE_ENDPOINT, {"input": dict(endpoint)}))

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint that was made here."""
        await self._mutate(operations.DELETE_ENDPOINT, {"id": endpoint_id}, may_be_null=True)

    # --- the protocol ---------------------------------------------------------------------------------------------

    async def _query(self, operation: operations.Operation, variables: Mapping[str, Any]) -> Any:
        clock, attempt = self._http.clock, 0
        while True:
            try:
                return await self._ask(operation, variables, QUERY_RETRY)
            except GraphQLError as failure:
                attempt += 1
                if attempt >= QUERY_RETRY.attempts or not is_transient(failure.detail):
                    raise
            await clock.sleep(QUERY_RETRY.pause_s(attempt - 1, clock.random()))

    async def _mutate(
        self, operation: operations.Operation, variables: Mapping[str, Any], *, may_be_null: bool = False
    ) -> Any:
        return await self._ask(operation, variables, None, may_be_null=may_be_null)

    async def _ask(
        self,
        operation: operations.Operation,
        variables: Mapping[str, Any],
        retry: Retry | None,
        *,
        may_be_null: bool = False,
    ) -> Any:
        content = json.dumps({"query": operation.text, "variables": dict(variables)}).encode()
        call = self._http.call(
            "POST", self._url, content=content, idempotent=retry is not None, retry=retry or QUERY_RETRY
        )
        try:
            answer = read_answer(GraphQLAnswer, await within(call, DEADLINE_S))
        except asyncio.TimeoutError:
            raise _failure(operation, f"no answer within {DEADLINE_S:.0f} s") from None
        except ApiError as failure:
            if failure.status == 400:  # a server that follows GraphQL over HTTP answers a wrong request so
                raise _failure(operation, failure.detail, is_refused=True) from None
            raise
        if answer.problem:
            # as `Http` does with what comes with an error status: a server may repeat what it was sent
            raise _failure(operation, answer.problem.replace(self._http.backend.api_key, "…"), is_refused=True)
        return _root_field(operation, answer.data or {}, may_be_null=may_be_null)


def is_transient(text: str) -> bool:
    """Whether the platform's words promise better later.

    >>> is_transient("Internal Server Error"), is_transient("app not found")
    (True, False)
    """
    return any(words in text.lower() for words in TRANSIENT)


def _root_field(operation: operations.Operation, data: Mapping[str, Any], *, may_be_null: bool) -> Any:
    """Follow the path to what was asked for. A deletion answers null, but its key must be there."""
    value: Any = data
    for field in operation.path:
        if not isinstance(value, Mapping) or field not in value:
            raise _failure(operation, f"the answer has no {field}")
        value = value[field]
        if value is None and not may_be_null:
            raise _failure(operation, f"{field} not found")
    return value


def _failure(operation: operations.Operation, text: str, *, is_refused: bool = False) -> ApiError:
    """Return the error for what the platform said; it says `not found` in many ways, but always so.

    What GraphQL itself refused (`is_refused`) had no effect, and says so with status 400; a failure that passes, or no
    answer, may hide one that worked, and has status 0.
    """
    what = f"GraphQL {operation.name} failed: {text}"
    status = REFUSED if is_refused and not is_transient(text) else 0
    if "not found" in text.lower():
        return NotFoundError(what, status=status, detail=text)
    fix = "try again in a minute" if is_transient(text) else "this is a mistake of flash_jupyter; please report it"
    error = GraphQLMutationError if operation.is_mutation else GraphQLQueryError
    return error(what, status=status, detail=text, fix=fix)


def _read(kind: type[T], value: Any) -> T:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "answer"
        raise GraphQLError(
            f"the platform's GraphQL answer is not what we know: {where}: {first['msg'].lower()}",
            fix="this version of flash_jupyter may be too old for the platform; update it, or report this",
        ) from None
