"""What asks an endpoint as it is: only what sends something makes one, within the budget, and a job stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import ApiError, CostLimitError, JobError, NotFoundError
from flash_jupyter.resources.endpoint import CREATED, EXPIRES, OWNER, EndpointSpec, endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.client import EndpointClient, look, stop
from flash_jupyter.session.events import Event, Notice
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.prepare import CellRequest
from flash_jupyter.session.requests import with_endpoint
from flash_jupyter.session.session import Session
from flash_jupyter.settings import BackendName, Settings
from flash_jupyter.wire.control import Endpoint

Open = Callable[..., Session]
WAITS: dict[str, Any] = {"status": "IN_QUEUE"}


@pytest.fixture
def platforms() -> dict[BackendName, Platform]:
    """Each backend is a platform of its own."""
    made: dict[BackendName, Platform] = {"runpod": Platform(), "local": Platform()}
    for platform in made.values():
        platform.statuses = [WAITS]
    return made


@pytest.fixture
def opened(platforms: dict[BackendName, Platform], tmp_path: Path) -> Iterator[Open]:
    """Opens sessions of one user on a backend."""
    sessions: list[Session] = []

    def open_one(backend: BackendName = "runpod", **options: Any) -> Session:
        settings = Settings(tmp_path, tmp_path, "ann", backend, api_key="key-0123456789", **options)
        links = Links(
            settings,
            open_local=lambda _settings: replace(BACKEND, name="local"),
            transport=lambda backend: platforms[backend.name].transport(),
        )
        sessions.append(Session(settings, links=links))
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()


def client(session: Session, said: list[str] | None = None) -> EndpointClient:
    """A client of `Endpoint(name="vllm", image="me/vllm:1", gpu="ADA_24", workers=2)`."""

    def spec(_is_load_balanced: bool) -> EndpointSpec:
        return endpoint_spec(make_options(name="vllm", image="me/vllm:1", gpu=("ADA_24",), workers=(0, 2)), owner="ann")

    def tell(event: Event) -> None:
        if said is not None and isinstance(event, Notice):
            said.append(event.text)

    return EndpointClient(session, None, spec, tell)


def test_a_job_of_an_image_makes_its_endpoint_with_labels_and_says_what_and_what_it_costs(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    session, said = opened(), list[str]()
    session.loop.call(client(session, said).submit({"input": 1}))
    (made,) = platforms["runpod"].endpoints.values()
    assert (made["name"], made["image"], made["env"][OWNER]) == ("vllm", "me/vllm:1", "ann")
    assert made["env"][CREATED] < made["env"][EXPIRES]
    assert len(said) == 2
    assert said[0].startswith("Runpod charges from here on")
    assert said[1] == "making endpoint vllm"


def test_nothing_is_made_above_the_budget(opened: Open, platforms: dict[BackendName, Platform]) -> None:
    session = opened(max_cost_per_hour=0.01)
    for work in (client(session).submit({"input": 1}), client(session).request("GET", "/x", None, timeout_s=9.0)):
        with pytest.raises(CostLimitError):
            session.loop.call(work)
    assert platforms["runpod"].endpoints == {}
    assert "POST" not in platforms["runpod"].calls


def test_what_could_not_be_made_is_no_open_job_of_the_meter(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    session = opened()
    platforms["runpod"].create_answers = [400]
    with pytest.raises(ApiError):
        session.loop.call(client(session).submit({"input": 1}))
    assert session.budget.meter.may_still_cost_usd() == 0.0
    assert session.budget.meter.read().cells == ()


def unmade(_is_load_balanced: bool) -> EndpointSpec:
    raise AssertionError("an endpoint that exists is not made")


@pytest.mark.parametrize("of", ["its image", "its id"])
def test_a_job_counts_as_open_until_its_end_is_seen(
    of: str, opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    platform = platforms["runpod"]
    platform.add({"name": "mine", "gpu": {"pools": ["ADA_24"], "count": 1}, "workers": {"max": 1}})
    session = opened(max_cost=1.0)
    asker = client(session) if of == "its image" else EndpointClient(session, "ep1", unmade, print)
    placed = session.loop.call(asker.submit({"input": 1}))
    meter = session.budget.meter
    assert (meter.may_still_cost_usd() > 0, meter.spent_usd()) == (True, 0.0)
    platform.statuses = [{"status": "COMPLETED", "executionTime": 100_000, "workerId": "w1"}]
    session.loop.call(look(session, placed))
    assert (meter.may_still_cost_usd(), [row.seconds for row in meter.read().cells]) == (0.0, [100.0])
    assert meter.spent_usd() > 0.01


def test_a_job_of_an_endpoint_that_exists_is_refused_above_the_budget(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    platforms["runpod"].add({"name": "mine", "gpu": {"pools": ["ADA_24"], "count": 1}, "workers": {"max": 1}})
    session = opened(max_cost=0.01)
    with pytest.raises(CostLimitError):
        session.loop.call(EndpointClient(session, "ep1", unmade, print).submit({"input": 1}))
    assert "run" not in platforms["runpod"].calls


LOST = {"http": 404, "error": "job not found"}
ENDED = {"status": "COMPLETED", "executionTime": 1000, "workerId": "w1"}


@pytest.mark.parametrize(("limit", "dollars"), [("max_cost", 0.2), ("max_cost_per_hour", 1.2)])
@pytest.mark.parametrize(
    ("status", "is_admitted"),
    [(ENDED, True), (WAITS, False), (LOST, False)],
    ids=["has ended", "waits in the queue", "is not found any more"],
)
def test_before_a_job_is_refused_the_open_one_is_looked_at_that_nobody_follows(
    limit: str,
    dollars: float,
    status: dict[str, Any],
    is_admitted: bool,
    opened: Open,
    platforms: dict[BackendName, Platform],
) -> None:
    platform = platforms["runpod"]
    for name in ("mine", "other"):
        platform.add({"name": name, "gpu": {"pools": ["ADA_24"], "count": 1}, "workers": {"max": 1}})
    session = opened(**{limit: dollars})
    session.loop.call(EndpointClient(session, "ep1", unmade, print).submit({"input": 1}))
    platform.statuses = [status]
    platform.calls.clear()
    second = EndpointClient(session, "ep2", unmade, print).submit({"input": 2})
    with nullcontext() if is_admitted else pytest.raises(CostLimitError):
        session.loop.call(second)
    assert [call for call in platform.calls if call != "GET"] == (["status", "run"] if is_admitted else ["status"])


def test_so_it_is_before_a_cell_is_refused(opened: Open, platforms: dict[BackendName, Platform]) -> None:
    session = opened(max_cost=0.2)
    session.loop.call(client(session).submit({"input": 1}))
    platforms["runpod"].statuses = [ENDED, {"status": "FAILED", "error": "no"}]
    with pytest.raises(JobError):
        session.run_cell(CellRequest("x = 1", {}, make_options(gpu=("ADA_24",))), lambda _event: None)
    assert platforms["runpod"].calls.count("run") == 2


def test_a_request_whose_endpoint_has_gone_counts_once_and_keeps_no_worker_waiting(opened: Open) -> None:
    session, asked = opened(), list[str]()

    async def answer(_link: Link, endpoint: Endpoint, _request_id: str) -> None:
        asked.append(endpoint.id)
        if len(asked) == 1:
            raise NotFoundError("the endpoint is gone")

    spec = endpoint_spec(make_options(name="vllm", image="me/vllm:1", gpu=("ADA_24",)), owner="ann")
    session.loop.call(with_endpoint(session, spec, lambda _event: None, answer, what="GET /x", longest_s=9.0))
    reading = session.budget.meter.read()
    assert (len(asked), [row.runs for row in reading.cells], reading.workers) == (2, [1], 1)


def test_to_cancel_a_job_never_makes_an_endpoint(opened: Open, platforms: dict[BackendName, Platform]) -> None:
    session = opened()
    with pytest.raises(NotFoundError) as caught:
        session.loop.call(client(session).cancel("job-u1"))
    assert str(caught.value) == (
        "there is no endpoint vllm, and so no job of it; nothing was made\n"
        "  → %flash endpoints lists what is there; run(...) and runsync(...) make it"
    )
    assert platforms["runpod"].calls == ["GET"]


def test_another_kernel_cancels_a_job_of_the_endpoint_that_is_listed(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    first, second = opened(), opened()
    placed = first.loop.call(client(first).submit({"input": 1}))
    platforms["runpod"].calls.clear()
    assert second.loop.call(client(second).cancel("job-u1")) == placed
    assert platforms["runpod"].calls == ["GET", "status"]


def test_an_endpoint_that_was_undeployed_is_not_made_again_by_looking_at_its_job(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    session, other = opened(), opened()
    placed = session.loop.call(client(session).submit({"input": 1}))
    link = session.links.open("runpod")
    session.loop.call(link.provisioner.undeploy(session.loop.call(link.control.endpoints())))
    platforms["runpod"].calls.clear()
    platforms["runpod"].statuses = [{"http": 404, "error": "job not found"}]
    for work in (look(session, placed), stop(session, placed), look(other, placed), client(session).cancel("job-u1")):
        with pytest.raises(NotFoundError):
            session.loop.call(work)
    assert platforms["runpod"].endpoints == {}
    assert "POST" not in platforms["runpod"].calls


def test_a_job_is_asked_where_it_was_sent_though_another_backend_is_used_meanwhile(
    opened: Open, platforms: dict[BackendName, Platform]
) -> None:
    session = opened()
    placed = session.loop.call(client(session).submit({"input": 1}))
    platforms["runpod"].statuses = [{"status": "COMPLETED", "output": 7}]
    later = opened("local")
    seen = later.loop.call(look(later, placed))
    assert (seen.job.output, seen.backend, seen.endpoint_id) == (7, "runpod", placed.endpoint_id)
    assert later.loop.call(stop(later, placed)).job.output == 7
    assert platforms["local"].calls == []
