"""A mothership without a key: it serves, says that it can't look, and leaves the app's own routes alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from flash_jupyter.errors import BuildError
from flash_jupyter.runtime.mothership import STATE, create_mothership

ENVIRON = {"FLASH_APP": "shop", "FLASH_ENV": "production", "FLASH_RESOURCE_NAME": "mothership"}
SAID = (
    "the mothership looks at its children, and for that it needs a key: this worker has no RUNPOD_API_KEY\n"
    "  → store a restricted key as a secret of Runpod, then: flash deploy send --runtime-secret NAME"
)


def asked(app: Any, questions: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Ask an app while it runs."""

    async def run() -> None:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://mothership") as client:
                await questions(client)

    asyncio.run(run())


def test_without_a_key_it_says_so_in_json_and_on_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    async def questions(client: httpx.AsyncClient) -> None:
        state = (await client.get("/")).json()
        assert (state["app"], state["environment"], state["children"]) == ("shop", "production", [])
        assert state["wrong"] == SAID
        page = await client.get("/", headers={"Accept": "text/html,*/*"})
        assert "<h1>shop / production</h1>" in page.text
        assert (await client.get("/ping")).json() == {"status": "healthy"}
        logged = ""
        while f"mothership: {SAID}" not in logged:
            await asyncio.sleep(0.01)
            logged += capsys.readouterr().out

    asked(create_mothership("", ENVIRON), lambda client: asyncio.wait_for(questions(client), 60))


def test_the_routes_of_the_projects_own_app_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_web_app.py").write_text(
        "from fastapi import FastAPI\n\napp = FastAPI()\nnothing = 1\n\n\n"
        '@app.get("/")\ndef index():\n    return "mine"\n'
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    async def questions(client: httpx.AsyncClient) -> None:
        assert (await client.get("/")).json() == "mine"
        assert (await client.get(STATE)).json()["wrong"] == SAID
        assert (await client.get("/ping")).status_code == 200

    asked(create_mothership("own_web_app:app", ENVIRON), questions)
    for main, text in [
        ("own_web_app:nothing", "nothing of own_web_app is no FastAPI app"),
        ("own_missing:app", "own_missing, which has the app app, can't be imported here: ModuleNotFoundError"),
    ]:
        with pytest.raises(BuildError, match=text):
            create_mothership(main, ENVIRON)
