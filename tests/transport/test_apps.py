"""GraphQL's protocol: what is asked again, what never is, and what the platform's words mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import ApiError, GraphQLError, GraphQLMutationError, GraphQLQueryError, NotFoundError
from flash_jupyter.transport import operations
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.refusals import may_have_worked

APPS: dict[str, Any] = {"data": {"myself": {"flashApps": []}}}
MADE: dict[str, Any] = {"data": {"createFlashApp": {"id": "a", "name": "n"}}}
Answer = dict[str, Any] | tuple[int, dict[str, Any]] | type[httpx.TransportError]


def talk(answers: list[Answer], work: Callable[[Apps], Awaitable[Any]]) -> tuple[Any, list[float]]:
    """Answer one call after the other; returns what came, and the pauses."""
    left, pauses = list(answers), list[float]()

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, type):
            raise answer("broken", request=request)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return httpx.Response(status, json=body)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def main() -> Any:
        clock = Clock(monotonic=lambda: sum(pauses), sleep=sleep, random=lambda: 1.0)
        http = Http(BACKEND, transport=httpx.MockTransport(handle), clock=clock)
        try:
            return await work(Apps(http))
        finally:
            await http.aclose()

    result = asyncio.run(main())
    assert left == []
    return result, pauses


def said(*messages: str) -> dict[str, Any]:
    return {"errors": [{"message": message} for message in messages], "data": None}


def test_a_query_is_asked_again_while_the_platform_promises_better() -> None:
    answers: list[Answer] = [said("Internal server error"), (503, {}), httpx.ReadError, said("Try again later"), APPS]
    assert talk(answers, lambda apps: apps.apps()) == ((), [1.0, 1.0, 2.0, 2.0])


def test_a_query_is_given_up_after_four_attempts() -> None:
    with pytest.raises(GraphQLQueryError) as caught:
        talk([said("temporarily unavailable")] * 4, lambda apps: apps.apps())
    assert str(caught.value) == ("GraphQL getFlashApps failed: temporarily unavailable\n  → try again in a minute")


ONCE: list[tuple[str, Answer, type[ApiError]]] = [
    ("words that promise better", said("try again later"), GraphQLMutationError),
    ("a server error", (502, {}), ApiError),
    ("a cut answer", httpx.ReadError, ApiError),
]


@pytest.mark.parametrize(("answer", "error"), [c[1:] for c in ONCE], ids=[c[0] for c in ONCE])
def test_a_mutation_is_never_repeated(answer: Answer, error: type[ApiError]) -> None:
    with pytest.raises(error):
        talk([answer], lambda apps: apps.create_app("n"))


STATUSES: list[tuple[str, Answer, int, bool]] = [
    ("a refusal had no effect", said("exceeds the maximum limit"), 400, False),
    ("so had one with an error status", (400, said("no such field")), 400, False),
    ("and one that says not found", said("app not found"), 400, False),
    ("a failure that passes may hide an effect", said("Internal server error"), 0, True),
    ("an answer without what was asked for may, too", {"data": {}}, 0, True),
]


@pytest.mark.parametrize(("answer", "status", "may"), [c[1:] for c in STATUSES], ids=[c[0] for c in STATUSES])
def test_whether_a_mutation_may_have_worked(answer: Answer, status: int, may: bool) -> None:
    with pytest.raises(ApiError) as caught:
        talk([answer], lambda apps: apps.create_app("n"))
    assert (caught.value.status, may_have_worked(caught.value)) == (status, may)


def test_a_mutation_that_was_too_early_had_no_effect_and_is_sent_again() -> None:
    made, pauses = talk([(429, {"error": "slow down"}), MADE], lambda apps: apps.create_app("n"))
    assert (made.id, pauses) == ("a", [1.0])


FAILURES: list[tuple[str, Answer, type[Exception], str]] = [
    ("all messages are said", said("one", "two"), GraphQLQueryError, "GraphQL getFlashApps failed: one; two"),
    ("an empty list of errors is an error", {"errors": [], "data": {}}, GraphQLQueryError, "an error without a message"),
    ("an answer without the field", {"data": {"other": 1}}, GraphQLQueryError, "the answer has no myself"),
    ("nothing found, in words", said("App NOT FOUND"), NotFoundError, "App NOT FOUND"),
    ("nothing found, as null", {"data": {"myself": None}}, NotFoundError, "myself not found"),
    ("a wrong request, as GraphQL over HTTP says it", (400, said("no such field")), GraphQLQueryError, "no such field"),
    ("a field of another kind", {"data": {"myself": {"flashApps": [{}]}}}, GraphQLError, "0.id: field required"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "error", "text"), [c[1:] for c in FAILURES], ids=[c[0] for c in FAILURES])
def test_what_went_wrong(answer: Answer, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        talk([answer], lambda apps: apps.apps())
    assert text in str(caught.value)


def test_a_deletion_answers_null_and_its_key_must_be_there() -> None:
    assert talk([{"data": {"deleteFlashApp": None}}], lambda apps: apps.delete_app("a"))[0] is None
    with pytest.raises(GraphQLMutationError, match="the answer has no deleteFlashApp"):
        talk([{"data": {}}], lambda apps: apps.delete_app("a"))


def test_a_presigned_url_is_in_no_repr() -> None:
    answer: Answer = {"data": {"prepareFlashArtifactUpload": {"uploadUrl": "https://x/?sig=1", "objectKey": "k"}}}
    upload, _ = talk([answer], lambda apps: apps.prepare_upload("a", 1))
    assert "sig" not in repr(upload)


def test_mutations_are_recognised_and_names_are_read() -> None:
    found = [one for one in vars(operations).values() if isinstance(one, operations.Operation)]
    assert {one.name for one in found if one.is_mutation} == {
        *("createFlashApp", "deleteFlashApp", "createFlashEnvironment", "deleteFlashEnvironment", "saveEndpoint"),
        *("PrepareArtifactUpload", "FinalizeArtifactUpload", "updateFlashBuildManifest", "deployBuildToEnvironment"),
        "deleteEndpoint",
    }
    assert len(found) == 17
