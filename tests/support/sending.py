"""One user's side of an app that is sent to the embedded Runpod, also by a process that is ended from outside."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from bundles import hand_made
from deploying import run

from flash_jupyter.deploy.terms import Result, Terms
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import ensure_local, local_info
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Http

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SUPPORT = Path(__file__).parent
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


def shop_at(desk: Any, shared_desk: Any, folder: Path) -> Shop:
    """An embedded Runpod of its own; the environment that stands for the image is made once for all."""
    ensure_local(desk.settings)
    return Shop(replace(desk.settings, cache=shared_desk.settings.cache), folder)


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

    def promote(self, build_id: str) -> Result:
        return run(self.settings, lambda each: each.promote("shop", "live", build_id, Terms(bool)))

    def rollback(self, build_id: str | None = None, **terms: Any) -> Result:
        return run(self.settings, lambda each: each.rollback("shop", "live", build_id, Terms(bool, **terms)))

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
        return list(self.running())

    def running(self) -> dict[str, str | None]:
        """Environment -> the build that it runs."""

        async def ask() -> dict[str, str | None]:
            http = Http(ensure_local(self.settings))
            try:
                return {each.name: each.active_build_id for app in await Apps(http).apps() for each in app.environments}
            finally:
                await http.aclose()

        return asyncio.run(ask())

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        info = local_info(self.settings)
        assert info is not None
        headers = {"Authorization": f"Bearer {info.api_key}"}
        url = path if path.startswith("http") else info.url + path
        return httpx.request(method, url, headers=headers, timeout=120, trust_env=False, **more)


def sender(shop: Shop) -> str:
    """The program of a process that sends another version to `live`; it says its steps."""
    values = {"support": SUPPORT, "folder": shop.folder / "cut", "python": PYTHON, "cache": shop.settings.cache}
    return SENDER.format(**{name: repr(str(value)) for name, value in values.items()})


def wait_for(process: Any, begin: str) -> None:
    """Wait until it says a line that begins so: "wait " is that the endpoints of its trial are made."""
    line = "-"
    while line and not line.startswith(begin):
        line = process.stdout.readline()
    assert line, process.stderr.read()
