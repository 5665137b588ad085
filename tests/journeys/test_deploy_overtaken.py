"""Two machines deploy to one environment: who is not the last says what serves, and leaves it as it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import hand_made
from deploying import run
from environment import plain_environment
from sending import PYTHON, Shop, shop_at

from flash_jupyter.deploy.terms import Progress, Result, Terms
from flash_jupyter.errors import DeployError
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import ensure_local
from flash_jupyter.settings import read_settings

pytestmark = pytest.mark.journey

SERVES = "of another deploy serves now, `flash deploy info live --app-name shop` shows it"


@pytest.fixture
def shop(desk: Any, shared_desk: Any, tmp_path: Path) -> Shop:
    return shop_at(desk, shared_desk, tmp_path / "bundle")


def other_machine(shop: Shop, folder: Path) -> Shop:
    """The same account and another home, whose locks nobody here sees."""
    backend = ensure_local(shop.settings)
    settings = replace(read_settings(plain_environment(folder), project=folder.parent), cache=shop.settings.cache)
    return Shop(settings, folder, lambda: Links(settings, open_local=lambda _settings: backend))


def send_while(shop: Shop, begin: str, meanwhile: Callable[[], Any], *, fails: bool = False) -> list[str]:
    """Send a version, let this happen at its first news that begins so, and return the lines of its error."""
    archive, manifest = hand_made(shop.folder, PYTHON, without="shop", tea=9.0)
    happened = list[Any]()

    def report(news: Progress) -> None:
        if f"{news.step} {news.text}".startswith(begin) and not happened:
            with ThreadPoolExecutor() as pool:
                happened.append(pool.submit(meanwhile).result())
            if fails:
                raise DeployError("its workers do not start")

    with pytest.raises(DeployError) as raised:
        run(shop.settings, lambda each: each.send(archive, manifest, "shop", "live", Terms(bool, report=report)))
    return str(raised.value).splitlines()


def test_who_is_overtaken_says_what_serves_and_leaves_it_as_it_is(shop: Shop, tmp_path: Path) -> None:
    other, sent = other_machine(shop, tmp_path / "elsewhere"), list[Result]()

    def they_send(tea: float, workers: int) -> Callable[[], None]:
        return lambda: sent.append(other.send(without="shop", tea=tea, workersMax=workers))

    def till() -> tuple[int, float]:
        (endpoint,) = shop.get("/v2/serverless")["endpoints"]
        return endpoint["workers"]["max"], shop.price(sent[-1])

    shop.send(without="shop", tea=1.0)
    refused = send_while(shop, "trial ", they_send(2.0, 4))
    assert refused == [
        f"another deploy was quicker: live of shop runs build {sent[-1].build_id} now",
        f"nothing was changed; build {sent[-1].build_id} {SERVES}",
        "  → look at what it runs (flash deploy info), then do the same again",
    ]
    assert till() == (4, 2.0)

    old = sent[-1].build_id
    failed = send_while(shop, "wait exchanging", they_send(3.0, 5), fails=True)
    new = sent[-1].build_id
    assert failed[0] == "its workers do not start"
    assert failed[1].split("; ")[1:] == [
        f"NOT DONE: build {old} is active again (another deploy was quicker: live runs build {new} now)",
        f"NOT DONE: endpoint till has its old configuration back (another deploy has changed it: it is of build {new})",
        f"build {new} {SERVES}",
    ]
    assert till() == (5, 3.0)

    overtaken = send_while(shop, "wait exchanging", they_send(4.0, 6))
    assert overtaken == [
        f"another deploy has overtaken this one: the environment runs build {sent[-1].build_id}",
        f"what this deploy has changed stays; build {sent[-1].build_id} {SERVES}",
        "  → look at what it runs (flash deploy info), then send again",
    ]
    assert till() == (6, 4.0)
