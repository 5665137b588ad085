"""Our own client against a server that only replays recorded examples: what it sends is what was recorded."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import pickle
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
from contract import example
from replay import KEY, ReplayServer

from flash_jupyter.errors import ApiError, AuthenticationError, GraphQLMutationError, NotFoundError
from flash_jupyter.session.requests import base_of
from flash_jupyter.states import JobState
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE, Clock, Http
from flash_jupyter.transport.logs import follow_log
from flash_jupyter.transport.queue import Queue, urls_of
from flash_jupyter.transport.upload import upload_file
from flash_jupyter.wire.control import RequestUrls

EP, WORKER, TEMPLATE, VOLUME = "4m7x2k9q", "8g3n5t6r", "9x4m2p7v", "2q9m7x4c"
JOB = "f3f2c0c1-6a4e-4a5c-8a8e-0d8c2f3e9a11-u1"
T = TypeVar("T")


def sent(name: str) -> Any:
    """The body that was recorded."""
    return example(name)["request"]["body"]


def variables(name: str) -> dict[str, Any]:
    """The variables of a recorded GraphQL operation."""
    recorded: dict[str, Any] = sent(name)["variables"]["input"]
    return recorded


class Sleeper:
    """A clock whose sleeps take no time; `pauses` are seconds."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: sum(self.pauses), sleep=self.sleep, random=lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def talk(work: Callable[[Http], Awaitable[T]], *names: str, key: str = KEY, clock: Clock | None = None) -> T:
    async def main() -> T:
        http = Http(replace(server.backend, api_key=key), clock=clock)
        try:
            return await work(http)
        finally:
            await http.aclose()

    with ReplayServer(*names) as server:
        return asyncio.run(main())


def test_the_server_fails_a_request_that_was_never_recorded() -> None:
    async def ask(http: Http) -> None:
        with pytest.raises(ApiError, match="answered 599"):
            await http.call("GET", f"{http.backend.api_url}/v2/serverless", retry=ONCE)

    with pytest.raises(AssertionError, match="not what was recorded"):
        talk(ask)


def test_the_server_fails_when_an_example_is_never_asked_for() -> None:
    async def ask_nothing(_http: Http) -> None:
        pass

    with pytest.raises(AssertionError, match="never asked for"):
        talk(ask_nothing, "control-list")


def test_an_endpoints_life() -> None:
    async def live(http: Http) -> list[Any]:
        control = Control(http)
        made = await control.create(sent("control-create-gpu"))
        await control.create(sent("control-create-cpu"))
        seen = [
            made.id,
            (await control.endpoints())[0].id,
            (await control.get(EP)).name,
            (await control.patch(EP, sent("control-patch"))).workers["max"],
            (await control.workers(EP))[0].id,
            (await control.releases(EP)).rollout.in_progress,
        ]
        await control.delete(EP)
        return seen

    names = ("create-gpu", "create-cpu", "list", "get", "patch", "workers", "releases", "delete")
    assert talk(live, *(f"control-{name}" for name in names)) == [
        *(EP, EP, "image-generator", 10, WORKER, True),
    ]


def test_the_log_of_a_worker() -> None:
    async def read(http: Http) -> list[str]:
        stream = follow_log(http, Control(http).logs_url(EP, WORKER), tail=100)
        lines = [(await anext(stream)).line for _ in range(2)]
        await stream.aclose()
        return lines

    assert talk(read, "control-logs") == ["worker 8g3n5t6r started", "Worker ready."]


def test_a_jobs_life_at_the_urls_that_the_endpoint_names() -> None:
    async def live(http: Http) -> list[Any]:
        endpoint = await Control(http).get(EP)
        queue = Queue(http, RequestUrls.model_validate(endpoint.request_urls))
        job = await queue.run(json_bytes("queue-run"))
        states = [(await queue.status(job.id)).status for _ in range(3)]
        return [job.status, *states, (await queue.cancel(job.id)).status, (await queue.health()).jobs.completed]

    names = ("run", "status-in-queue", "status-in-progress", "status-completed", "cancel", "health")
    assert talk(live, "control-get", *(f"queue-{name}" for name in names)) == [
        *(JobState.IN_QUEUE, JobState.IN_QUEUE, JobState.IN_PROGRESS, JobState.COMPLETED, JobState.CANCELLED, 1)
    ]


def json_bytes(name: str) -> bytes:
    return json.dumps(sent(name)).encode()


def test_a_job_that_is_waited_for_is_told_as_it_is_when_the_wait_is_over() -> None:
    async def ask(http: Http) -> list[tuple[str, JobState, bool]]:
        queue = Queue(http, urls_of(http.backend, EP))
        jobs = [await queue.run_sync(json_bytes("queue-runsync"), wait_s) for wait_s in (0.2, 60)]
        return [(job.id, job.status, job.output is None) for job in jobs]

    job = "sync-0b3d5b1e-2c77-4f57-9d2a-6f1e3b0f7c55-u1"
    assert talk(ask, "queue-runsync-open", "queue-runsync") == [
        (job, JobState.IN_PROGRESS, True),
        (job, JobState.COMPLETED, False),
    ]


async def submit(http: Http) -> str:
    return (await Queue(http, urls_of(http.backend, EP)).run(json_bytes("queue-run"))).id


async def list_endpoints(http: Http) -> str:
    return (await Control(http).endpoints())[0].id


TOO_MANY: list[tuple[str, Callable[[Http], Awaitable[str]], tuple[str, str], float, str]] = [
    ("a listing", list_endpoints, ("control-error-429", "control-list"), 12, EP),
    ("a job, of which 429 says that it is none yet", submit, ("queue-error-429", "queue-run"), 10, JOB),
]


@pytest.mark.parametrize(("work", "names", "seconds", "found"), [c[1:] for c in TOO_MANY], ids=[c[0] for c in TOO_MANY])
def test_what_was_too_much_is_asked_again_when_the_platform_says(
    work: Callable[[Http], Awaitable[str]], names: tuple[str, str], seconds: float, found: str
) -> None:
    sleeper = Sleeper()
    assert talk(work, *names, clock=sleeper.clock()) == found
    assert sleeper.pauses == [seconds]


def job_of(name: str) -> Callable[[Http], Awaitable[Any]]:
    """The request of a job that an example has, at the documented address of its endpoint."""
    endpoint = example(name)["request"]["path"].split("/")[2]
    return lambda http: Queue(http, urls_of(http.backend, endpoint)).run(json_bytes(name))


def create_of(name: str) -> Callable[[Http], Awaitable[Any]]:
    return lambda http: Control(http).create(sent(name))


MISTAKE = "\n  → this is a mistake of flash_jupyter; please report it"
REFUSED = "\n  → set a valid RUNPOD_API_KEY, or use backend=local, which needs none"
REFUSALS: list[tuple[str, Callable[[Http], Awaitable[Any]], str, type[ApiError], str]] = [
    (
        "queue-error-400-input",
        job_of("queue-error-400-input"),
        KEY,
        ApiError,
        f"POST /v2/{EP}/run answered 400: the body needs `input`, a JSON object{MISTAKE}",
    ),
    (
        "queue-error-401",
        job_of("queue-error-401"),
        "$WRONG",
        AuthenticationError,
        f"401: the key from the recording was refused (the API key is missing or wrong){REFUSED}",
    ),
    (
        "queue-error-404-endpoint",
        job_of("queue-error-404-endpoint"),
        KEY,
        NotFoundError,
        "POST /v2/gone0000/run answered 404: endpoint gone0000 not found",
    ),
    (
        "control-error-400",
        create_of("control-error-400"),
        KEY,
        ApiError,
        f"POST /v2/serverless answered 400: give exactly one of gpu and cpu{MISTAKE}",
    ),
    (
        "control-error-401",
        list_endpoints,
        "$WRONG",
        AuthenticationError,
        f"401: the key from the recording was refused (missing bearer token){REFUSED}",
    ),
    (
        "control-error-404",
        lambda http: Control(http).get("gone0000"),
        KEY,
        NotFoundError,
        "GET /v2/serverless/gone0000 answered 404: endpoint not found",
    ),
    (
        "control-error-422",
        create_of("control-error-422"),
        KEY,
        ApiError,
        (
            "POST /v2/serverless answered 422: Request validation failed.; "
            f"$: additional properties 'bogus' not allowed{MISTAKE}"
        ),
    ),
]


@pytest.mark.parametrize(("name", "work", "key", "kind", "text"), REFUSALS, ids=[c[0] for c in REFUSALS])
def test_what_is_refused_is_told_in_the_platforms_words_and_not_asked_again(
    name: str, work: Callable[[Http], Awaitable[Any]], key: str, kind: type[ApiError], text: str
) -> None:
    sleeper = Sleeper()
    with pytest.raises(ApiError) as caught:
        talk(work, name, key=key, clock=sleeper.clock())
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert sleeper.pauses == []


def test_a_load_balancers_life_at_the_url_that_it_names() -> None:
    sleeper = Sleeper()

    async def live(http: Http) -> list[Any]:
        made = await Control(http).create(sent("control-create-balancer"))
        balancer = Balancer(http, base_of(made), made.name)
        healthy = await balancer.request("GET", "/ping")
        ran = await balancer.request("POST", "/execute", content=json_bytes("balancer-execute"))
        return [made.type, healthy.json(), pickle.loads(base64.b64decode(ran.json()["result"]))]

    names = ("ping-initialising", "ping-healthy", "execute")
    found = talk(live, "control-create-balancer", *(f"balancer-{name}" for name in names), clock=sleeper.clock())
    assert found == ["LOAD_BALANCER", {"status": "healthy"}, 5]
    assert sleeper.pauses == [0.25]


#: for how long it is asked again, at least, in seconds
OF_BALANCERS: list[tuple[str, type[ApiError], str, float]] = [
    (
        "balancer-error-401",
        AuthenticationError,
        f"401: the key from the recording was refused (the API key is missing or wrong){REFUSED}",
        0,
    ),
    (
        "balancer-error-400",
        ApiError,
        (
            "endpoint api had no worker within 120 s (400: no workers available)\n"
            "  → look at %flash endpoints; workersMin=1 keeps one ready"
        ),
        100,
    ),
    (
        "balancer-error-404-endpoint",
        NotFoundError,
        "GET /generate of endpoint api answered 404: endpoint gone0000 not found",
        0,
    ),
    (
        "balancer-error-404-worker",
        ApiError,
        (
            "GET /generate of endpoint api answered 404: worker 8g3n5t6r is none of the endpoint's workers\n"
            "  → without X-Runpod-Worker-Id any worker may answer"
        ),
        0,
    ),
    (
        "balancer-error-524",
        ApiError,
        (
            "GET /generate of endpoint api answered 524: the request took longer than 330 s\n"
            "  → a request has 330 s at most; a queue endpoint takes what lasts longer"
        ),
        0,
    ),
]


@pytest.mark.parametrize(("name", "kind", "text", "least_s"), OF_BALANCERS, ids=[c[0] for c in OF_BALANCERS])
def test_what_a_load_balancer_refuses(name: str, kind: type[ApiError], text: str, least_s: float) -> None:
    sleeper, recorded = Sleeper(), example(name)["request"]
    headers = {key: value for key, value in recorded["headers"].items() if key != "Authorization"}

    async def ask(http: Http) -> None:
        base = f"{http.backend.api_url}{recorded['path'].removesuffix('/generate')}"
        await Balancer(http, base, "api").request("GET", "/generate", headers=headers)

    with pytest.raises(ApiError) as caught:
        talk(ask, name, key=KEY if "Authorization" in recorded["headers"] else "$WRONG", clock=sleeper.clock())
    assert (type(caught.value), str(caught.value)) == (kind, text)
    assert least_s <= sum(sleeper.pauses) <= least_s * 1.2


def test_a_templates_life() -> None:
    async def live(http: Http) -> list[Any]:
        templates = Control(http).templates
        seen = [
            (await templates.create(sent("template-create"))).id,
            (await templates.all())[0].env,
            (await templates.get(TEMPLATE)).disk,
            (await templates.patch(TEMPLATE, sent("template-patch"))).name,
        ]
        await templates.delete(TEMPLATE)
        return seen

    names = ("create", "list", "get", "patch", "delete")
    assert talk(live, *(f"template-{name}" for name in names)) == [
        *(TEMPLATE, {"JUPYTER_ENABLE_LAB": "yes"}, 50, "Renamed PyTorch Template")
    ]


def test_a_volumes_life() -> None:
    async def live(http: Http) -> list[Any]:
        volumes = Control(http).volumes
        made = await volumes.create(name="training-dataset", size_gb=50, data_center="US-KS-2", tier="HIGH_PERFORMANCE")
        seen = [
            (made.id, made.size_gb, made.data_center),
            (await volumes.all())[0].size_gb,
        ]
        await volumes.delete(VOLUME)
        return seen

    names = ("create", "list", "delete")
    assert talk(live, *(f"volume-{name}" for name in names)) == [(VOLUME, 50, "US-KS-2"), 100]


def test_the_catalogue_and_the_bill() -> None:
    async def read(http: Http) -> list[Any]:
        control = Control(http)
        gpu, cpu = (await control.catalog.gpus())[0], (await control.catalog.cpus())[0]
        center = (await control.catalog.data_centers())[0]
        bill = await control.billing.serverless(
            start=datetime(2026, 6, 1, tzinfo=timezone.utc),
            end=datetime(2026, 6, 2, tzinfo=timezone.utc),
            bucket="day",
            endpoint_id=EP,
        )
        return [
            (gpu.pool, gpu.price.serverless, gpu.availability, gpu.data_centers[0].id),
            (cpu.id, cpu.price.per_vcpu, cpu.availability),
            (center.id, center.volume_types, center.gpus[0].availability),
            (bill.records[0].endpoint_id, bill.records[0].total),
        ]

    names = ("catalog-gpus", "catalog-cpus", "catalog-datacenters", "billing-serverless")
    assert talk(read, *names) == [
        ("ADA_24", 1.1, "HIGH", "US-KS-2"),
        ("cpu3c-2-4", 0.03, "MEDIUM"),
        ("US-KS-2", ("STANDARD", "HIGH_PERFORMANCE"), "HIGH"),
        (EP, 8.9),
    ]


def test_an_app_from_nothing_to_an_environment_that_runs_its_build(tmp_path: Path) -> None:
    bundle = tmp_path / "artifact.tar.gz"
    bundle.write_bytes(bytes(range(256)) * 828 + bytes(35))
    assert bundle.stat().st_size == 212_003
    steps: list[tuple[int, int]] = []

    async def live(http: Http) -> list[Any]:
        apps = Apps(http)
        app = await apps.create_app("proj_peers")
        environment = await apps.create_environment(app.id, "production")
        upload = await apps.prepare_upload(app.id, bundle.stat().st_size)
        digest = await upload_file(upload.url, bundle, progress=lambda *step: steps.append(step))
        manifest = variables("graphql-finalize-upload")["manifest"]
        build = await apps.finalize_upload(app.id, upload.object_key, manifest)
        deployed = await apps.deploy(environment.id, build.id)
        assert deployed.active_artifact is not None
        changed = await apps.update_manifest(build.id, variables("graphql-update-manifest")["manifest"])
        return [digest, deployed.name, deployed.active_artifact.object_key, changed.id, await apps.manifest(build.id)]

    names = ("create-app", "create-environment", "prepare-upload", "finalize-upload", "deploy", "update-manifest")
    graphql = [f"graphql-{name}" for name in (*names, "build")]
    assert talk(live, *graphql, "artifact-upload") == [
        hashlib.sha256(bundle.read_bytes()).hexdigest(),
        "production",
        "flash/u/app1/b.tar.gz",
        "build1",
        variables("graphql-finalize-upload")["manifest"],
    ]
    assert steps == [(212_003, 212_003)]


def test_what_there_is_of_an_app() -> None:
    async def read(http: Http) -> list[Any]:
        apps = Apps(http)
        app = await apps.app("proj_peers")
        return [
            [one.name for one in await apps.apps()],
            (app.id, app.environments[0].state, app.builds[0].object_key),
            [build.id for build in await apps.builds(app.id)],
            [one.active_build_id for one in await apps.environments(app.id)],
            [endpoint.name for endpoint in (await apps.environment("env1")).endpoints],
            (await apps.environment_by_name(app.id, "production")).id,
        ]

    names = ("apps", "app-by-name", "builds", "environments", "environment", "environment-by-name")
    assert talk(read, *(f"graphql-{name}" for name in names)) == [
        *(["proj_peers"], ("app1", "HEALTHY", "flash/u/app1/b.tar.gz"), ["build1"], ["build1"], ["api"], "env1")
    ]


def test_an_endpoint_that_only_graphql_can_make() -> None:
    async def live(http: Http) -> list[Any]:
        apps = Apps(http)
        made = await apps.save_endpoint(variables("graphql-save-endpoint"))
        await apps.delete_endpoint(made.id)
        await apps.delete_environment("env1")
        await apps.delete_app("app1")
        return [made.id, made.instance_ids, made.environment_id]

    names = ("save-endpoint", "delete-endpoint", "delete-environment", "delete-app")
    assert talk(live, *(f"graphql-{name}" for name in names)) == ["ep1", ("cpu3g-1-4",), "env1"]


def test_what_graphql_does_not_find() -> None:
    async def ask(http: Http) -> list[str]:
        texts = []
        for call in (Apps(http).app("nobody"), Apps(http).environment_by_name("app1", "nowhere")):
            with pytest.raises(NotFoundError) as caught:
                await call
            texts.append(str(caught.value))
        return texts

    assert talk(ask, "graphql-app-not-found", "graphql-environment-not-found") == [
        "GraphQL getFlashAppByName failed: app not found",
        "GraphQL getFlashEnvironmentByName failed: flashEnvironmentByName not found",
    ]


def test_what_graphql_refuses() -> None:
    async def ask(http: Http) -> str:
        with pytest.raises(GraphQLMutationError) as caught:
            await Apps(http).save_endpoint(variables("graphql-save-endpoint-refused"))
        return str(caught.value)

    assert talk(ask, "graphql-save-endpoint-refused") == (
        "GraphQL saveEndpoint failed: gpuIds: NO_SUCH is no GPU pool\n"
        "  → this is a mistake of flash_jupyter; please report it"
    )
