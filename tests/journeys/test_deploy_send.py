"""A bundle into production on the embedded Runpod: twice, from two homes, broken, taken back, cut off."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from bundles import hand_made
from deploying import run
from deployments import on_loop
from environment import plain_environment

from flash_jupyter.build.bundle import build
from flash_jupyter.build.manifest import Resource
from flash_jupyter.build.preview import endpoint_body
from flash_jupyter.deploy.lookup import look_up
from flash_jupyter.deploy.terms import Result, Terms
from flash_jupyter.errors import BuildError, DeployError
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import ensure_local, local_info
from flash_jupyter.settings import Settings, read_settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Http

pytestmark = pytest.mark.journey

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SUPPORT = Path(__file__).parents[1] / "support"
#: a process that sends a bundle, and is ended from outside
SENDER = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {support})
from bundles import hand_made
from deploying import run
from flash_jupyter.deploy.terms import Terms
from flash_jupyter.settings import read_settings
archive, manifest = hand_made(Path({folder}), {python}, without="shop", tea=9.0)
tell = lambda news: print(news.step, news.text, flush=True)
settings = replace(read_settings(), cache=Path({cache}))
run(settings, lambda each: each.send(archive, manifest, "shop", "live", Terms(bool, report=tell)))
"""


class Shop:
    """One user's side of an app: what is sent, and what the platform has then."""

    def __init__(self, settings: Settings, folder: Path, links: Callable[[], Links] | None = None) -> None:
        self.settings, self.folder, self._links = settings, folder, links or (lambda: Links(settings))

    def send(self, *, allow: bool = True, **bundle: Any) -> Result:
        archive, manifest = hand_made(self.folder, PYTHON, **bundle)
        return run(
            self.settings,
            lambda each: each.send(archive, manifest, "shop", "live", Terms(lambda _: allow)),
            links=self._links(),
        )

    def rollback(self) -> Result:
        return run(self.settings, lambda each: each.rollback("shop", "live", None, Terms(bool)))

    def get(self, path: str) -> Any:
        return self._ask("GET", path).json()

    def delete(self, path: str) -> None:
        self._ask("DELETE", path).raise_for_status()

    def price(self, result: Result) -> float:
        url = next(each.url for each in result.endpoints if each.name == "till")
        job = self._ask("POST", f"{url}/runsync", json={"input": {"function": "total"}}).json()
        return float(job["output"])

    def names(self) -> list[str]:
        return sorted(str(each["name"]) for each in self.get("/v2/serverless")["endpoints"])

    def environments(self) -> list[str]:
        async def ask() -> list[str]:
            http = Http(ensure_local(self.settings))
            try:
                return [each.name for app in await Apps(http).apps() for each in app.environments]
            finally:
                await http.aclose()

        return asyncio.run(ask())

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        info = local_info(self.settings)
        assert info is not None
        headers = {"Authorization": f"Bearer {info.api_key}"}
        url = path if path.startswith("http") else info.url + path
        return httpx.request(method, url, headers=headers, timeout=120, trust_env=False, **more)


@pytest.fixture
def shop(desk: Any, shared_desk: Any, tmp_path: Path) -> Shop:
    """An embedded Runpod of its own; the environment that stands for the image is made once for all."""
    ensure_local(desk.settings)
    return Shop(replace(desk.settings, cache=shared_desk.settings.cache), tmp_path / "bundle")


def steps(result: Result) -> list[str]:
    return [f"{step.action.value} {step.name}" for step in result.plan.steps]


def test_two_homes_at_the_same_moment_make_one_app_and_a_second_send_changes_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    backend = ensure_local(shop.settings)
    other_settings = replace(
        read_settings(plain_environment(tmp_path / "elsewhere"), project=tmp_path), cache=shop.settings.cache
    )
    other = Shop(
        other_settings, tmp_path / "other", lambda: Links(other_settings, open_local=lambda _settings: backend)
    )
    with ThreadPoolExecutor() as pool:
        first, second = (job.result() for job in [pool.submit(each.send) for each in (shop, other)])
    assert shop.names() == ["shop", "till"]
    assert [each.endpoint_id for each in first.endpoints] == [each.endpoint_id for each in second.endpoints]
    assert shop.price(first) == 2.5
    before = shop.get("/v2/serverless")
    for each in (other, shop):
        again = each.send()
        assert steps(again) == ["keep shop", "keep till"]
        assert again.build_id in (first.build_id, second.build_id)
    assert shop.get("/v2/serverless") == before
    assert shop.environments() == ["live"]


def test_a_broken_bundle_leaves_the_old_one_serving_and_what_was_deleted_or_left_is_mended(shop: Shop) -> None:
    first = shop.send()
    with pytest.raises(BuildError) as raised:
        shop.send(broken=True)
    said = str(raised.value).splitlines()
    assert said[0] == "the workers of till do not start: one ended before it was ready: exit code 1"
    assert said[-3:] == [
        "  ModuleNotFoundError: No module named 'nothing_like_it'",
        "nothing was changed; the version before goes on serving",
        "  → add the package of nothing_like_it to requirements.txt or deps=, then build again",
    ]
    assert (shop.names(), shop.environments(), shop.price(first)) == (["shop", "till"], ["live"], 2.5)

    shop.delete(f"/v2/serverless/{first.endpoints[1].endpoint_id}")
    mended = shop.send()
    assert (steps(mended), shop.names()) == (["keep shop", "create till"], ["shop", "till"])
    assert shop.price(mended) == 2.5


@pytest.mark.slow
def test_what_left_is_removed_when_allowed_and_a_rollback_gives_the_version_before(shop: Shop) -> None:
    first = shop.send()
    with pytest.raises(DeployError) as refused:
        shop.send(without="shop", tea=4.0, allow=False)
    assert str(refused.value) == (
        "the bundle has no shop any more, and removing it was not allowed\n"
        "nothing was changed; the version before goes on serving\n"
        "  → allow it, or bring it back into the sources and build again"
    )
    assert (shop.names(), shop.price(first)) == (["shop", "till"], 2.5)
    second = shop.send(without="shop", tea=4.0, workersMax=5)
    assert steps(second) == ["delete shop", "update till"]
    assert str(second.plan.steps[1]).endswith(", workers.max 3 → 5")
    assert (shop.names(), shop.price(second)) == (["till"], 4.0)
    back = shop.rollback()
    assert (back.build_id, steps(back), shop.price(back)) == (first.build_id, ["create shop", "update till"], 2.5)
    till = next(each for each in shop.get("/v2/serverless")["endpoints"] if each["name"] == "till")
    assert (till["id"], till["workers"]["max"]) == (first.endpoints[1].endpoint_id, 3)


@pytest.mark.slow
def test_a_deploy_that_is_cut_off_leaves_no_trial_behind(shop: Shop, desk: Any) -> None:
    first = shop.send(without="shop")
    values = {"support": SUPPORT, "folder": shop.folder / "cut", "python": PYTHON, "cache": shop.settings.cache}
    program = SENDER.format(**{name: repr(str(value)) for name, value in values.items()})
    with desk.start_python("-c", program) as process:
        wait_for_trial(process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert len(shop.names()) == len(shop.environments()) == 2
    assert steps(shop.send(without="shop")) == ["keep till"]
    assert (shop.names(), shop.environments()) == (["till"], ["live"])

    with desk.start_python("-c", program) as process:
        wait_for_trial(process)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert said.splitlines()[-1] == "rollback nothing was changed; the version before goes on serving"
    assert (shop.names(), shop.environments(), shop.price(first)) == (["till"], ["live"], 2.5)


def wait_for_trial(process: Any) -> None:
    """Wait until its endpoints are made, and a worker starts."""
    line = "-"
    while line and not line.startswith("wait "):
        line = process.stdout.readline()
    assert line, process.stderr.read()


def test_what_a_released_client_deployed_is_changed_and_not_made_twice(shop: Shop) -> None:
    """Its labels are the names of app and environment; their id only where a resource calls others (flash-wire 7.4)."""
    labels = {"FLASH_APP": "shop", "FLASH_ENV": "live", "FLASH_RESOURCE_NAME": "till"}
    body = endpoint_body("till-fb", Resource(resource_type="CpuLiveServerless", functions=[]), labels)
    with on_loop(shop.settings) as (loop, link):
        theirs = loop.call(Apps(link.http).save_endpoint(body))
        sent = shop.send(without="shop")
        assert (steps(sent), [each.endpoint_id for each in sent.endpoints]) == (["update till"], [theirs.id])
        assert (shop.names(), shop.price(sent), steps(shop.send(without="shop"))) == (["till-fb"], 2.5, ["keep till"])
        found = loop.call(look_up(link, "shop", "live"))
    assert [live.endpoint.id for live in found.resources if live.endpoint] == [theirs.id]


def test_a_second_endpoint_that_a_released_client_made_is_not_removed_unasked(shop: Shop) -> None:
    sent = shop.send(without="shop")
    labels = {"FLASH_APP": "shop", "FLASH_ENV": "live", "FLASH_RESOURCE_NAME": "till"}
    body = endpoint_body("till-fb", Resource(resource_type="CpuLiveServerless", functions=[]), labels)
    with on_loop(shop.settings) as (loop, link):
        theirs = loop.call(Apps(link.http).save_endpoint(body))
    with pytest.raises(DeployError) as refused:
        shop.send(without="shop", allow=False)
    assert str(refused.value) == (
        f"more than one endpoint serves till, not all made by your deploys, and removing {theirs.id} was not allowed\n"
        "nothing was changed; the version before goes on serving\n"
        "  → ask who uses it, then allow it, or delete the one that nobody uses"
    )
    assert (shop.names(), shop.price(sent)) == (["till", "till-fb"], 2.5)
    assert (steps(shop.send(without="shop")), shop.names()) == (["keep till", "delete till"], ["till"])


def test_a_stored_template_gives_its_settings_and_one_that_was_changed_is_an_update(shop: Shop) -> None:
    body = {"name": "mine", "image": "registry.test/none", "env": {"MODE": "calm"}, "disk": 7, "serverless": True}
    with on_loop(shop.settings) as (loop, link):
        stored = loop.call(link.control.templates.create(body))
        first = shop.send(without="shop", template=stored.id)
        (till,) = shop.get("/v2/serverless")["endpoints"]
        assert (till["env"]["MODE"], till["disk"], till["image"]) == ("calm", 7, "registry.test/none")
        assert (steps(first), steps(shop.send(without="shop", template=stored.id))) == (["create till"], ["keep till"])
        loop.call(link.control.templates.patch(stored.id, {"env": {"MODE": "wild"}}))
        changed = shop.send(without="shop", template=stored.id)
        assert [str(step) for step in changed.plan.steps] == ["update till: env.MODE set → set to another value"]
        loop.call(link.control.templates.patch(stored.id, {"image": "registry.test/other"}))
        changed = shop.send(without="shop", template=stored.id)
        assert [str(step) for step in changed.plan.steps] == [
            "update till: image registry.test/none → registry.test/other"
        ]
        loop.call(link.control.templates.delete(stored.id))
    with pytest.raises(DeployError) as raised:
        shop.send(without="shop", template=stored.id)
    assert str(raised.value) == (
        f"resource till has the stored template {stored.id}, which the account does not have\n"
        "nothing was changed\n"
        "  → write the id of one that it has, or template=PodTemplate(imageName=..., ...), and build again"
    )


NOTEBOOK = """# %% tags=["flash:setup"]
import math

# %%
radius = 2.0

# %% tags=["flash:handler:area"]
surface = round(math.pi * radius**2, 3)
"""


def test_a_notebook_s_functions_are_verified_by_their_values(desk: Any, shared_desk: Any) -> None:
    settings = replace(desk.settings, cache=shared_desk.settings.cache)
    path = desk.folder / "sums.py"
    path.write_text(NOTEBOOK, "utf-8")
    bundle = build(path, settings=settings)

    def send(each: Any) -> Any:
        return each.send(bundle.archive, bundle.manifest, "sums", "live", Terms(bool, sources=path))

    result: Result = run(settings, send)
    assert [(each.state, each.reason) for each in result.endpoints] == [("verified", "")]
