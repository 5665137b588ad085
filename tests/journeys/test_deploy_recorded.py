"""A build that was verified is verified again where its sources are not: by what it gave then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import run
from deployments import on_loop

from flash_jupyter.build.bundle import build
from flash_jupyter.deploy.history import Past
from flash_jupyter.deploy.records import read_build
from flash_jupyter.deploy.replay import Replay
from flash_jupyter.deploy.send import Deployer
from flash_jupyter.deploy.terms import Progress, Result, Terms
from flash_jupyter.deploy.verify import CHANGED, Verifier
from flash_jupyter.errors import DeployError
from flash_jupyter.session.local import ensure_local
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps

pytestmark = pytest.mark.journey

NOTEBOOK = """# %% tags=["flash:setup"]
import os
import random

from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

rate = {"RATE": "{{ RUNPOD_SECRET_rate }}", "REGION": "the-northern-region"}
till, shop = CpuLiveServerless(name="till", env=rate, workersMax=1), CpuLiveLoadBalancer(name="shop")

# %% tags=["flash:setup"]
@remote(till)
def price(count: int, where: str = "here") -> float:
    return BASE + count * float(os.environ["RATE"])

@remote(till)
class Basket:
    def __init__(self, first: str):
        self.items = [first]

    def add(self, item: str) -> list:
        self.items.append(item)
        return self.items

@remote(shop, method="POST", path="/double")
def double(x: int) -> int:
    open(ASKED, "a").write("x")
    return 2 * x

@remote(shop, method="GET", path="/lucky")
def lucky(n: int) -> float:
    return random.random()

# %% tags=["flash:test"]
assert price.remote(4, "the-northern-region").output > 0
assert price.remote(4).output > 0 < price.remote(5).output
basket = Basket("tea")
assert basket.add.remote("cake").output == ["tea", "cake"]
assert basket.add.remote("milk").output[-1] == "milk"
assert double.remote(2) == 4
assert 0 <= lucky.remote(n=1) < 1
"""


class Shop:
    """What somebody has of an app who is at its sources, and who is not."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.path = settings, folder / "shop.py"
        #: a letter for each time that a function was asked since the last `send`
        self.asked = folder.parent / "asked"

    def send(self, base: int, *, with_sources: bool = True) -> Result:
        text = NOTEBOOK.replace("BASE", str(base)).replace("ASKED", repr(str(self.asked)))
        self.path.write_text(text, "utf-8")
        self.asked.unlink(missing_ok=True)
        bundle = build(self.path, settings=self.settings)
        terms = Terms(bool, sources=self.path if with_sources else None)
        return self.run(lambda each: each.send(bundle.archive, bundle.manifest, "shop", "live", terms))

    def run(self, work: Any) -> Result:
        result: Result = run(self.settings, work)
        return result

    def kept(self, build_id: str) -> Any:
        with on_loop(self.settings) as (loop, link):
            return loop.call(Apps(link.http).manifest(build_id))["recorded"]


def promote(build_id: str, environment: str = "live") -> Any:
    def work(each: Deployer) -> Any:
        return each.promote("shop", environment, build_id, Terms(bool))

    return work


def states(result: Result) -> dict[str, tuple[str, str]]:
    return {each.name: (each.state, each.reason) for each in result.endpoints}


def test_a_build_stands_though_what_it_was_asked_could_not_be_kept(
    desk: Any, shared_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> Any:
        raise RuntimeError("lost")

    ensure_local(desk.settings)
    LocalAdmin(desk.settings).set_secret("rate", "2.5")
    shop = Shop(replace(desk.settings, cache=shared_desk.settings.cache), desk.folder)
    monkeypatch.setattr(Replay, "kept", lose)
    with pytest.raises(RuntimeError, match="lost"):
        shop.send(1)
    said = list[Progress]()
    with on_loop(shop.settings) as (loop, link):
        (app,) = loop.call(Apps(link.http).apps())
        build_id = app.environments[0].active_build_id or ""
        manifest = loop.call(Apps(link.http).manifest(build_id))
        built = loop.call(read_build(Apps(link.http), build_id))
        verifier = Verifier(link, shop.settings, built, Terms(bool, report=said.append))
        loop.call(verifier.stand("no-such-build", "e1", Past(), ()))
    assert [*manifest["served"].values()] == [{"before": [], "stood": True}]
    assert said[0].text.startswith("that it stands could not be written, rollback will pass over this build: ")


def test_a_promoted_build_gives_what_it_gave_when_it_was_verified_or_stays_out(desk: Any, shared_desk: Any) -> None:
    ensure_local(desk.settings)
    admin = LocalAdmin(desk.settings)
    admin.set_secret("rate", "2.5")
    shop = Shop(replace(desk.settings, cache=shared_desk.settings.cache), desk.folder)
    first = shop.send(1)
    assert states(first) == {"shop": ("verified", ""), "till": ("verified", "")}
    assert shop.asked.read_text() == "xx"
    kept = shop.kept(first.build_id)
    request = {"execution_type": "function", "function_name": "price", "kwargs": {}, "serialization_format": "json"}
    assert kept["double"] == {"requests": [[{"at": 5, "input": {"x": 2}, "output": 4}]]}
    assert kept["lucky"] == {"why_not": "asked a second time, it answered otherwise", "left_out": 6}
    assert kept["price"] == {
        "requests": [
            [{"at": 1, "input": {**request, "args": [4]}, "output": 11.0}],
            [{"at": 2, "input": {**request, "args": [5]}, "output": 13.5}],
        ],
        "left_out": 0,
    }
    (calls,) = kept["Basket"]["requests"]
    assert [each["output"] for each in calls] == [["tea", "cake"], ["tea", "cake", "milk"]]

    second = shop.send(2)
    assert shop.asked.read_text() == "xx", "once by the trial, once where it stands"
    assert shop.kept(second.build_id)["double"]["requests"][0][0]["once"]
    assert shop.kept(second.build_id)["lucky"] == kept["lucky"]
    nothing = "lucky: nothing was kept of it when the build was verified: asked a second time, it answered otherwise"
    expected = {"shop": ("listed, not verified", nothing), "till": ("verified", "")}
    again = shop.send(2, with_sources=False)
    assert (again.build_id, states(again)) == (second.build_id, expected)
    assert states(shop.run(promote(second.build_id, "staging"))) == expected
    back = shop.run(lambda each: each.rollback("shop", "live", None, Terms(bool)))
    assert (back.build_id, states(back)) == (first.build_id, expected)

    admin.set_secret("rate", "3.0")
    with pytest.raises(DeployError) as raised:
        shop.run(promote(second.build_id))
    said = str(raised.value).splitlines()
    assert said[0] == "the deployed functions do not give what they should:"
    asked_again = "price: differs, asked again as when the build was verified"
    assert said[1] == f"{asked_again}, it gave 12.0 then, and gives 14.0 now, for price(4)"
    assert said[2:] == [
        "nothing was changed; the version before goes on serving",
        f"  → {CHANGED}",
    ]
    with on_loop(shop.settings) as (loop, link):
        (app,) = loop.call(Apps(link.http).apps())
    running = {each.name: each.active_build_id for each in app.environments}
    assert running == {"live": first.build_id, "staging": second.build_id}
    assert shop.kept(first.build_id) == kept
