"""The way back: to the build that served before, one further back each time, and past what never stood."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sending import Shop, sender, shop_at, wait_for

from flash_jupyter.errors import DeployError

pytestmark = pytest.mark.journey

FLASH = "from flash_jupyter.cli import main; main()"


@pytest.fixture
def shop(desk: Any, shared_desk: Any, tmp_path: Path) -> Shop:
    return shop_at(desk, shared_desk, tmp_path / "bundle")


@pytest.mark.slow
def test_each_rollback_goes_one_further_back_and_a_promotion_forward(shop: Shop) -> None:
    first, second, third = (shop.send(without="shop", tea=price).build_id for price in (1.0, 2.0, 3.0))
    with ThreadPoolExecutor() as pool:
        back = [job.result().build_id for job in [pool.submit(shop.rollback) for _ in range(2)]]
    assert sorted(back) == sorted([second, first]), "of two at once each goes one further back"
    assert shop.running() == {"live": first}
    with pytest.raises(DeployError) as raised:
        shop.rollback()
    assert str(raised.value) == (
        f"there is no record of what live of shop ran before build {first}\n"
        "  → name a build: flash deploy rollback live BUILD (`flash app get shop` lists them)"
    )
    shop.promote(third)
    assert shop.rollback().build_id == first, "what served before the third was promoted"


def test_a_build_whose_deploy_was_killed_is_passed_over_and_asked_about_by_name(shop: Shop, desk: Any) -> None:
    first = shop.send(without="shop", tea=1.0).build_id
    with desk.start_python("-c", sender(shop)) as process:
        wait_for(process, "wait exchanging")  # its build is active by now, its workers are not
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    killed = shop.running()["live"]
    assert killed not in (None, first)
    shop.send(without="shop", tea=2.0)
    told = list[str]()
    assert shop.rollback(report=lambda news: told.append(news.text)).build_id == first
    assert told[0] == f"back to build {first}, which was never verified in live", "it has no examples"

    why = f"build {killed} was not verified in live: the deploy that brought it was cut off"
    with desk.start_python("-c", FLASH, "deploy", "rollback", "live", killed, "-a", "shop", "--json") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(said)["error"] == {
        "type": "DeployError",
        "message": f"{why}, and going back to it was not allowed\nnothing was changed",
        "fix": "allow it (--yes), or name no build: what served before is taken",
    }
    asked = list[str]()

    def allow(question: str) -> bool:
        asked.append(question)
        return True

    back = shop.rollback(killed, allow_unverified=allow)
    assert (back.build_id, shop.price(back)) == (killed, 9.0)
    assert asked == [why]
