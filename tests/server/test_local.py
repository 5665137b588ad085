"""The embedded Runpod over the routes: its start and end, and the endpoints that a command line made there."""

from __future__ import annotations

from dataclasses import replace

import httpx
from emulated import CPU_ENDPOINT
from jupyter_user import Ask, User

from flash_jupyter.session.local import local_info, stop_local


async def test_it_is_started_listed_and_stopped(ask: Ask, user: User) -> None:
    user.settings = replace(user.settings, api_key=None, key_origin="", backend="local")
    nothing = {"running": False, "url": None, "pid": None, "version": None, "started_at": None}
    assert (await ask("GET", "/local")).document == nothing
    assert (await ask("POST", "/local/stop")).document == {"stopped": False}
    try:
        started = await ask("POST", "/local/start")
        info = local_info(user.settings)
        assert info is not None
        assert (started.document["running"], started.document["pid"]) == (True, info.pid)
        assert (await ask("POST", "/local/start")).document == started.document, "it is not started twice"
        headers = {"Authorization": f"Bearer {info.api_key}"}
        made = httpx.post(f"{info.url}/v2/serverless", json=CPU_ENDPOINT, headers=headers, trust_env=False).json()
        answers = [await ask("GET", path) for path in ("/endpoints", "/about", "/local", "/costs")]
        (endpoint,) = answers[0].document["endpoints"]
        assert (endpoint["id"], endpoint["backend"], endpoint["whose"]) == (made["id"], "local", "others")
        assert answers[0].document["backends"][0] == {"name": "local", "state": "ready", "error": None}
        assert answers[3].document["backends"][0]["bill"]["is_charged"] is False
        assert not any(info.api_key in answer.text for answer in [started, *answers])
        assert (await ask("DELETE", f"/endpoints/local/{made['id']}")).document == {"deleted": ["one"]}
        assert (await ask("POST", "/local/stop")).document == {"stopped": True}
        assert (await ask("GET", "/local")).document == nothing
    finally:
        stop_local(user.settings)


async def test_a_folder_that_can_not_be_used_is_told(ask: Ask, user: User) -> None:
    user.settings.local_dir.write_text("in the way")
    answer = await ask("POST", "/local/start")
    assert (answer.status, answer.document["type"]) == (409, "SettingsError")
    assert answer.document["message"].startswith(f"the data folder {user.settings.local_dir} can't be used")
