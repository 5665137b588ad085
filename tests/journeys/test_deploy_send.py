"""A bundle into production on the embedded Runpod: twice, from two homes, broken, taken back, cut off."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import run
from deployments import on_loop
from environment import plain_environment
from sending import Shop, sender, shop_at, wait_for

from flash_jupyter.build.bundle import build
from flash_jupyter.build.manifest import Resource
from flash_jupyter.build.preview import endpoint_body
from flash_jupyter.deploy.lookup import look_up
from flash_jupyter.deploy.terms import Result, Terms
from flash_jupyter.errors import BuildError, DeployError
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import ensure_local
from flash_jupyter.settings import read_settings
from flash_jupyter.transport.apps import Apps

pytestmark = pytest.mark.journey


@pytest.fixture
def shop(desk: Any, shared_desk: Any, tmp_path: Path) -> Shop:
    return shop_at(desk, shared_desk, tmp_path / "bundle")


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
    program = sender(shop)
    with desk.start_python("-c", program) as process:
        wait_for(process, "wait ")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert len(shop.names()) == len(shop.environments()) == 2
    assert steps(shop.send(without="shop")) == ["keep till"]
    assert (shop.names(), shop.environments()) == (["till"], ["live"])

    with desk.start_python("-c", program) as process:
        wait_for(process, "wait ")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert said.splitlines()[-1] == "rollback nothing was changed; the version before goes on serving"
    assert (shop.names(), shop.environments(), shop.price(first)) == (["till"], ["live"], 2.5)


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
open(RUNS, "a").write("x")
radius = 2.0

# %% tags=["flash:handler:area"]
surface = round(FACTOR * math.pi * radius**2, 3)

# %% tags=["flash:test"]
assert area(radius=2)["surface"] > 0
"""
#: a function whose answers are never the same
ROLL = """
# %% tags=["flash:setup"]
import random

from flash_jupyter import CpuLiveServerless, remote

@remote(CpuLiveServerless(name="dice"))
def roll(sides: int) -> float:
    return random.random() * sides

# %% tags=["flash:test"]
assert 0 <= roll.remote(6).output < 6
"""


def test_a_notebook_s_functions_are_verified_by_their_values_and_it_is_run_once_where_that_is_enough(
    desk: Any, shared_desk: Any
) -> None:
    settings = replace(desk.settings, cache=shared_desk.settings.cache)
    path, runs = Path(desk.folder) / "sums.py", Path(desk.folder).parent / "runs"

    def send(factor: int, more: str = "") -> str:
        """Send it, and return a letter for each time that the notebook was run."""
        text = NOTEBOOK.replace("RUNS", repr(str(runs))).replace("FACTOR", str(factor))
        path.write_text(text + more, "utf-8")
        runs.unlink(missing_ok=True)
        bundle = build(path, settings=settings)
        terms = Terms(bool, sources=path)
        result: Result = run(settings, lambda each: each.send(bundle.archive, bundle.manifest, "sums", "live", terms))
        assert {(each.state, each.reason) for each in result.endpoints} == {("verified", "")}
        return runs.read_text()

    assert send(1) == "x"
    assert send(2) == "x", "by the trial; where it stands, it is asked again what it was asked there"
    assert send(3, ROLL) == "xx", "only the test can tell whether another answer will do"
