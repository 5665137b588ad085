"""Orphans: which endpoints are, which never, and that a sweep looks again before it deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from platform_app import BACKEND, Platform
from starlette.requests import Request
from starlette.responses import Response

from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.session.sweep import Orphan, Swept, find_orphans, look, offer, remove_orphans
from flash_jupyter.settings import Settings, read_settings

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
EXPIRED, LATER = "2026-11-22T11:59:00Z", "2026-11-22T12:01:00Z"
QUIET: dict[str, Any] = {"jobs": {}, "workers": {"idle": 1}}


def labels(owner: str = "ann", expires: str = EXPIRED) -> dict[str, str]:
    return {"FLASH_JUPYTER_OWNER": owner, "FLASH_JUPYTER_CREATED": "2026-11-21", "FLASH_JUPYTER_EXPIRES": expires}


def on(platform: Platform, folder: Path, work: Callable[[Link], Awaitable[Any]]) -> Any:
    settings = Settings(folder, folder, "ann", "local")
    links = Links(settings, open_local=lambda _settings: BACKEND, transport=lambda _backend: platform.transport())

    async def main() -> Any:
        try:
            return await work(links.open("local"))
        finally:
            await links.aclose()

    return asyncio.run(main())


def platform_with(
    env: dict[str, str], health: dict[str, Any] | None = QUIET, *, kind: type[Platform] = Platform, **body: Any
) -> Platform:
    platform = kind()
    platform.date = DATE
    platform.add({"name": "trainer", "gpu": {"pools": ["ADA_24"]}, "workers": {"min": 0}, "env": env, **body})
    platform.healths["ep1"] = health
    return platform


def orphans(platform: Platform, folder: Path) -> list[Orphan]:
    found: list[Orphan] = on(platform, folder, lambda link: find_orphans(link, "ann"))
    return found


def test_an_expired_endpoint_without_a_job_is_one(tmp_path: Path) -> None:
    (found,) = orphans(platform_with(labels()), tmp_path)
    assert found == Orphan("trainer", "ep1", "runpod", "ADA_24", 0, "ann", EXPIRED)


NOT_ONE: list[tuple[str, dict[str, str], dict[str, Any] | None]] = [
    ("one without labels", {}, QUIET),
    ("one of somebody else", labels("bob"), QUIET),
    ("one whose time is not over", labels(expires=LATER), QUIET),
    ("one whose label can't be read", labels(expires="tomorrow"), QUIET),
    ("one with a job in its queue", labels(), {"jobs": {"inQueue": 1}}),
    ("one with a job that runs", labels(), {"jobs": {"inProgress": 1}}),
    ("one with a worker that does something", labels(), {"workers": {"running": 1}}),
    ("one that does not say what it does", labels(), None),
]


@pytest.mark.parametrize(("env", "health"), [c[1:] for c in NOT_ONE], ids=[c[0] for c in NOT_ONE])
def test_what_is_none(tmp_path: Path, env: dict[str, str], health: dict[str, Any] | None) -> None:
    platform = platform_with(env, health)
    assert orphans(platform, tmp_path) == []
    assert on(platform, tmp_path, lambda link: remove_orphans(link, "ann")) == Swept([], [])
    assert list(platform.endpoints) == ["ep1"]


@pytest.mark.parametrize(("state", "is_orphan"), [("RUNNING", False), ("IDLE", True)])
def test_a_load_balancer_is_in_use_while_a_worker_has_a_request(tmp_path: Path, state: str, is_orphan: bool) -> None:
    platform = platform_with(labels(), type="LOAD_BALANCER")
    platform.workers["ep1"] = [{"id": "w1", "status": state}]
    assert bool(orphans(platform, tmp_path)) is is_orphan
    assert platform.calls == ["GET", "workers"]


def test_a_look_asks_only_those_that_have_expired(tmp_path: Path) -> None:
    platform = platform_with(labels())
    for number in range(5):
        platform.add({"name": f"fresh-{number}", "env": labels(expires=LATER)})
    assert len(orphans(platform, tmp_path)) == 1
    assert platform.calls == ["GET", "health"]


def test_a_sweep_deletes_what_was_chosen_and_is_still_one(tmp_path: Path) -> None:
    platform = platform_with(labels())
    platform.add({"name": "other", "env": labels()})
    platform.healths["ep2"] = QUIET
    assert on(platform, tmp_path, lambda link: remove_orphans(link, "ann", ["ep2"])) == Swept(["other"], [])
    assert list(platform.endpoints) == ["ep1"]


def test_one_that_gets_a_job_between_the_look_and_the_deletion_is_kept(tmp_path: Path) -> None:
    class Late(Platform):
        """Its endpoint is quiet when it is looked at first, then has a job."""

        async def _health(self, request: Request) -> Response:
            answer = await super()._health(request)
            self.healths["ep1"] = {"jobs": {"inQueue": 1}}
            return answer

    platform = platform_with(labels(), kind=Late)
    assert on(platform, tmp_path, lambda link: remove_orphans(link, "ann")) == Swept([], ["trainer"])
    assert list(platform.endpoints) == ["ep1"]


def test_many_are_offered_in_one_line() -> None:
    one = Orphan("a", "e1", "runpod", "ADA_24", 0, "ann", EXPIRED)
    many = [
        replace(one, name=name, workers_min=workers) for name, workers in zip("abcde", (0, 1, 1, 0, 0), strict=True)
    ]
    assert offer(many) == (
        "a, b, c and 2 more have expired and have no job, but 2 waiting workers:"
        " remove them with %flash sweep --yes (in a terminal: flash sweep)"
    )
    assert offer([]) == ""


def test_a_look_starts_nothing(tmp_path: Path) -> None:
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path), "FLASH_JUPYTER_BACKEND": "local"}, project=tmp_path)
    assert look(settings) == []
    assert local_info(settings) is None
