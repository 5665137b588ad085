"""A mothership on the embedded Runpod: the app's routes, and the state of all endpoints at `/`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from deploying import run
from deployments import on_loop, remove
from emulated import wait_for

from flash_jupyter.backend import Backend
from flash_jupyter.build.bundle import BuildOptions, Bundle, build
from flash_jupyter.deploy.apps import AppDesk
from flash_jupyter.deploy.records import announce, forget_remakes
from flash_jupyter.deploy.removal import remove_environment
from flash_jupyter.deploy.returning import said_of_return
from flash_jupyter.deploy.terms import RUNTIME_SECRET, Result, Terms
from flash_jupyter.errors import DeployError
from flash_jupyter.magics.panel_actions import ACTIONS
from flash_jupyter.runtime.children import Family
from flash_jupyter.runtime.state import Deployed, StateManager, read_endpoints
from flash_jupyter.server.service import Service
from flash_jupyter.session.local import local_info
from flash_jupyter.session.local_admin import LocalAdmin, ensure_runtime_secret
from flash_jupyter.session.session import Session
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Http

pytestmark = pytest.mark.journey

WORKER = """\
from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote


@remote(CpuLiveServerless(name="numbers"))
def double(x: float) -> float:
    \"\"\"Twice as much.\"\"\"
    return 2 * x


@remote(CpuLiveServerless(name="numbers"))
def fail() -> None:
    raise ValueError("not today")


@remote(CpuLiveLoadBalancer(name="web"), method="GET", path="/items/{number}")
def item(number: int, full: bool = False) -> dict:
    return {"number": number, "full": full}
"""
MAIN = """\
from fastapi import FastAPI

from worker import double

app = FastAPI()


@app.get("/")
def index():
    return {"name": "shop"}


@app.post("/rate")
async def rate(text: str):
    return {"points": (await double(len(text))).result()}
"""


@dataclass
class Ship:
    """A mothership that is deployed."""

    desk: Any
    built: Bundle
    environment_id: str
    endpoints: dict[str, tuple[str, str]]

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        info = local_info(self.desk.settings)
        assert info is not None
        headers = {"Authorization": f"Bearer {info.api_key}", **options.pop("headers", {})}
        url = self.endpoints["mothership"][1] + path
        with httpx.Client(headers=headers, timeout=120, trust_env=False) as client:
            return client.request(method, url, **options)

    def rebuild(self, worker: str) -> None:
        """Build it again with another text of worker.py."""
        folder = self.desk.folder / self.built.manifest.project_name
        (folder / "worker.py").write_text(worker)
        self.built = build(folder, BuildOptions(mothership=True), settings=self.desk.settings)

    def send_again(self, repair_secret: str) -> set[str]:
        """Return what is done then."""
        app = self.built.manifest.project_name
        again = run(self.desk.settings, lambda deployer: send(deployer, self.built, app, repair_secret))
        return {step.action.value for step in again.plan.steps}

    def state(self, path: str = "/") -> dict[str, Any]:
        document: dict[str, Any] = self.ask(path).json()
        return document


def deployed(desk: Any, files: dict[str, str], app: str, repair_secret: str = "") -> Ship:
    folder = desk.folder / app
    folder.mkdir()
    for name, text in files.items():
        Path(folder / name).write_text(text)
    built = build(folder, BuildOptions(mothership=True), settings=desk.settings)
    with on_loop(desk.settings) as (loop, link):
        made = loop.call(AppDesk(link).create_environment(app, "production"))
        loop.call(ensure_runtime_secret(link, environment_id=made.id))
    result = run(desk.settings, lambda deployer: send(deployer, built, app, repair_secret))
    return Ship(desk, built, made.id, {each.name: (each.endpoint_id, each.url) for each in result.endpoints})


async def send(deployer: Any, built: Bundle, app: str, repair_secret: str = "") -> Result:
    terms = Terms(lambda _: False, smoke=False, repair_secret=repair_secret)
    sent: Result = await deployer.send(built.archive, built.manifest, app, "production", terms)
    return sent


@pytest.fixture(scope="module")
def ship(own_desk: Any) -> Ship:
    """Without an app of its own."""
    return deployed(own_desk, {"worker.py": WORKER}, "shop")


def test_each_function_has_a_route_that_forwards(ship: Ship) -> None:
    assert ship.ask("/double", "POST", json={"x": 4}).json() == 8
    assert ship.ask("/items/7?full=true").json() == {"number": 7, "full": True}
    refused = ship.ask("/fail", "POST")
    assert refused.status_code == 500
    assert "not today" in refused.json()["detail"]
    paths = ship.ask("/openapi.json").json()["paths"]
    assert {"/double", "/fail", "/items/{number}"} <= set(paths)
    described = paths["/double"]["post"]
    assert described["description"] == "Twice as much."
    body = described["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"] == {"x": {"type": "number"}}
    assert ship.ask("/docs").status_code == 200


def test_the_state_of_all_endpoints_is_at_the_root(ship: Ship) -> None:
    state = ship.state()
    assert (state["app"], state["environment"], state["wrong"]) == ("shop", "production", "")
    children = {each["resource"]: each for each in state["children"]}
    assert {name: each["endpoint_id"] for name, each in children.items()} == {
        name: endpoint_id for name, (endpoint_id, _) in ship.endpoints.items()
    }
    assert children["web"]["state"] == "listed"
    page = ship.ask("/", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>shop / production</h1>" in page.text


def test_the_map_is_corrected_where_the_key_may_write(ship: Ship) -> None:
    manifest, endpoint_id = ship.built.manifest.model_dump(mode="json"), ship.endpoints["numbers"][0]
    with on_loop(ship.desk.settings) as (loop, link):
        wrong = Deployed("gone", ship.endpoints["numbers"][1].replace(endpoint_id, "gone"))
        loop.call(StateManager(Apps(link.http)).update(ship.environment_id, "numbers", wrong))
        key = LocalAdmin(ship.desk.settings).create_key(
            "reads", endpoints=[], environments=[ship.environment_id], account="read"
        )
        readers = loop.call(opened(replace(link.backend, api_key=key)))
        looked = loop.call(Family(manifest, ship.environment_id, readers).look(repair=True))
        loop.call(readers.aclose())
        assert looked.drift == (f"the map says gone for numbers, and it is {endpoint_id}",)
        assert looked.wrong.startswith("the map is not repaired: ")
        looked = loop.call(Family(manifest, ship.environment_id, link.http).look(repair=True))
        assert (looked.repaired, looked.drift) == ((f"the map says {endpoint_id} for numbers now",), ())


def test_the_key_that_repairs_is_not_the_one_that_all_workers_get(ship: Ship) -> None:
    with pytest.raises(DeployError) as raised:
        ship.send_again(RUNTIME_SECRET)
    assert raised.value.message == (
        f"secret {RUNTIME_SECRET} is the one that all workers of the app get; nothing was changed"
    )


def test_a_build_that_ran_before_begins_with_a_map_of_its_own(ship: Ship) -> None:
    before = {"numbers": Deployed("e1", "https://host/v2/e1", {"name": "numbers"}), "web": Deployed("e2", "u")}
    with on_loop(ship.desk.settings) as (loop, link):
        apps = Apps(link.http)
        build_id = loop.call(apps.environment(ship.environment_id)).active_build_id or ""
        loop.call(announce(apps, build_id, "elsewhere", before))
        loop.call(announce(apps, build_id, "elsewhere", {"web": Deployed("e3", "u")}))
        assert read_endpoints(loop.call(apps.manifest(build_id)), "elsewhere") == {"web": Deployed("e3", "u")}
        loop.call(announce(apps, build_id, "elsewhere", None))
        assert "elsewhere" not in loop.call(apps.manifest(build_id))["environments"]


def test_what_makes_endpoints_anew_goes_from_a_build_that_an_environment_ran(ship: Ship) -> None:
    before = {"numbers": Deployed("e1", "https://host/v2/e1", {"name": "numbers"}), "web": Deployed("e2", "u")}
    with on_loop(ship.desk.settings) as (loop, link):
        apps, clock = Apps(link.http), link.http.clock
        build_id = loop.call(apps.environment(ship.environment_id)).active_build_id or ""
        loop.call(announce(apps, build_id, "elsewhere", before))
        extra = Deployed("e9", "https://host/v2/e9", {"name": "extra"})

        async def at_once() -> None:
            await asyncio.gather(
                forget_remakes(apps, build_id, "elsewhere", clock=clock),
                StateManager(apps, clock=clock).update(ship.environment_id, "extra", extra),
            )

        loop.call(at_once())
        manifest = loop.call(apps.manifest(build_id))
        assert read_endpoints(manifest, "elsewhere") == {**before, "numbers": replace(before["numbers"], remake=None)}
        assert read_endpoints(manifest, ship.environment_id)["extra"] == extra, "what another writes meanwhile stays"
        loop.call(forget_remakes(apps, build_id, ship.environment_id, clock=clock))
        kept = read_endpoints(loop.call(apps.manifest(build_id)), ship.environment_id)["extra"]
        assert kept == extra, "this one is active"
        loop.call(StateManager(apps, clock=clock).update(ship.environment_id, "extra", None))
        loop.call(announce(apps, build_id, "elsewhere", None))


async def both(work: Callable[[], Awaitable[object]]) -> None:
    """Do the same twice at the same moment, as two workers that boot."""
    await asyncio.gather(work(), work())


async def opened(backend: Backend) -> Http:
    return Http(backend)


def test_an_endpoint_that_is_deleted_behind_its_back_is_reported(ship: Ship) -> None:
    assert ship.state()["drift"] == []
    remove(ship.desk.settings, ship.endpoints["web"][0])
    state = wait_for(lambda: found if (found := ship.state())["drift"] else None, within_s=60)
    assert state["drift"] == ["web has no endpoint"]
    with on_loop(ship.desk.settings) as (loop, link):
        assert not loop.call(said_of_return(link, lambda each: each.name == "numbers")), "this one only reports"
    refused = ship.ask("/items/7")
    assert refused.status_code == 502
    assert refused.json()["detail"].startswith("web: ")


STOP = """

@app.post("/stop")
def stop():
    import os, signal

    os.kill(os.getpid(), signal.SIGKILL)
"""


NUMBERS_RETURN = (
    "numbers comes back when the next worker of the mothership of mended/production starts;"
    " flash deploy delete production --app-name mended ends that"
)


def by_command(desk: Any, *arguments: str, answer: str) -> str:
    """Run `flash undeploy` in a terminal's stead, and return all that it shows."""
    done = desk.python("-c", "from flash_jupyter.cli import main; main()", "undeploy", *arguments, stdin=answer)
    return str(done.stdout + done.stderr)


def by_panel(desk: Any, endpoint_id: str) -> str:
    session = Session(desk.settings)
    try:
        return ACTIONS["undeploy"](session, endpoint_id, {}).text
    finally:
        session.close()


def by_server(desk: Any, endpoint_id: str) -> dict[str, Any]:
    with ThreadPoolExecutor() as threads:
        service = Service(desk.settings, threads)
        try:
            return asyncio.run(service.undeploy("local", endpoint_id))
        finally:
            service.close()


def test_with_a_key_that_may_write_a_mothership_makes_anew_what_was_deleted(own_desk: Any) -> None:
    ship = deployed(own_desk, {"worker.py": WORKER, "main.py": MAIN + STOP}, "mended", "mends")
    assert ship.ask("/rate?text=tea", "POST").json() == {"points": 6}
    assert ship.send_again("mends") == {"keep"}
    gone = ship.endpoints["numbers"][0]
    asked = by_command(own_desk, "mended/production/numbers", answer="n\n")
    assert NUMBERS_RETURN in asked
    assert "delete endpoint mended/production/numbers" in asked
    assert "nothing was deleted" in asked
    assert by_panel(own_desk, gone) == f"deleted: numbers\n{NUMBERS_RETURN}"
    with contextlib.suppress(httpx.TransportError):  # its worker dies while it answers
        ship.ask("/stop", "POST")
    # while no worker is there, the platform answers for itself
    state = wait_for(lambda: found if (found := ship.state("/flash/state")).get("repaired") else None, within_s=120)
    [made] = [each["endpoint_id"] for each in state["children"] if each["resource"] == "numbers"]
    assert made != gone
    assert state["repaired"] == [f"numbers had no endpoint and was made anew: {made}"]
    assert (state["drift"], state["wrong"]) == ([], "")
    assert ship.ask("/rate?text=cake", "POST").json() == {"points": 8}
    assert ship.send_again("mends") == {"keep"}
    assert by_server(own_desk, made) == {"deleted": ["numbers"], "note": NUMBERS_RETURN}
    with on_loop(own_desk.settings) as (loop, link):
        manifest = ship.built.manifest.model_dump(mode="json")
        loop.call(both(lambda: Family(manifest, ship.environment_id, link.http).look(repair=True)))
        listed = [each.name for each in loop.call(Apps(link.http).environment(ship.environment_id)).endpoints]
        assert sorted(listed) == ["mothership", "numbers", "web"]
        assert not loop.call(said_of_return(link, lambda _each: True)), "nobody is left to make them anew"
        assert loop.call(said_of_return(link, lambda each: each.env.get("FLASH_IS_MOTHERSHIP") != "true")).startswith(
            "numbers, web come back when "
        )
        apps = Apps(link.http)
        first = loop.call(apps.environment(ship.environment_id)).active_build_id or ""
        entries = loop.call(apps.manifest(first))["environments"][ship.environment_id]
        assert all("remake" in each for each in entries.values())
        ship.rebuild(WORKER.replace("Twice as much.", "Twice."))
        ship.send_again("mends")
        second = loop.call(apps.environment(ship.environment_id)).active_build_id
        assert second != first
        left = loop.call(apps.manifest(first))["environments"][ship.environment_id]
        assert left == {name: {key: each[key] for key in ("endpoint_id", "url")} for name, each in entries.items()}
        removed = loop.call(remove_environment(link, "mended", "production", volumes=False))
        assert sorted(removed.named("endpoint")) == ["mothership", "numbers", "web"]
        assert "mended" not in [each.env.get("FLASH_APP") for each in loop.call(link.control.endpoints())]


def test_an_app_of_its_own_keeps_its_routes_and_calls_the_others(own_desk: Any) -> None:
    ship = deployed(own_desk, {"worker.py": WORKER, "main.py": MAIN}, "ratings")
    assert ship.ask("/").json() == {"name": "shop"}
    assert ship.ask("/rate?text=tea", "POST").json() == {"points": 6}
    assert [each["resource"] for each in ship.state("/flash/state")["children"]] == ["mothership", "numbers", "web"]
