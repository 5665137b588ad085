"""The routes as such: all of them are described, and none answers who may not ask."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from jupyter_server.serverapp import ServerApp
from jupyter_user import Ask, User
from rest_document import VERBS, operations
from tornado.web import RequestHandler

from flash_jupyter.server.handlers import ROUTES


def test_the_document_has_every_route_and_no_other() -> None:
    ours = {
        (verb, path)
        for path, handler in ROUTES.items()
        for verb in VERBS
        if getattr(handler, verb) is not getattr(RequestHandler, verb)
    }
    assert ours == operations()


def asked(path: str) -> str:
    return path.format(backend="runpod", id="ep1") + ("?backend=runpod" if path == "/endpoints" else "")


#: what is wrong with who asks
STRANGERS: dict[str, dict[str, str]] = {
    "no token": {},
    "a wrong token": {"Authorization": "token wrong"},
    "a key of Runpod's": {"Authorization": "Bearer key-0123456789"},
    "a cookie of nobody": {"Cookie": "username-localhost=somebody; _xsrf=1", "X-XSRFToken": "1"},
}


@pytest.mark.parametrize("headers", STRANGERS.values(), ids=STRANGERS)
async def test_no_route_answers_a_stranger(headers: dict[str, str], ask: Ask, user: User) -> None:
    user.platform.add({"name": "kept"})
    for verb, path in sorted(operations()):
        answer = await ask(verb.upper(), asked(path), headers=headers)
        assert answer.status == 403, (verb, path)
        assert answer.document["type"] == "HTTPError"
    assert user.platform.calls == []
    assert user.services == []


async def test_each_verb_refuses_by_itself(ask: Ask, jp_serverapp: ServerApp, user: User) -> None:
    jp_serverapp.web_app.settings["allow_unauthenticated_access"] = True
    for verb, path in sorted(operations()):
        answer = await ask(verb.upper(), asked(path), headers={})
        assert answer.status == 403, (verb, path)
    assert user.services == []


class ReadsOnly(Authorizer):
    """Lets everybody look, and nobody touch."""

    asked: list[tuple[str, str]] = []

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:  # noqa: ARG002
        self.asked.append((action, resource))
        return action == "read"


async def test_an_authorizer_may_let_somebody_read_only(ask: Ask, jp_serverapp: ServerApp, user: User) -> None:
    user.platform.add({"name": "kept"})
    authorizer = ReadsOnly(parent=jp_serverapp, identity_provider=jp_serverapp.identity_provider)
    jp_serverapp.web_app.settings["authorizer"] = authorizer
    assert (await ask("GET", "/endpoints")).status == 200
    refused = await ask("DELETE", "/endpoints/runpod/ep1")
    assert refused.status == 403
    assert refused.document["message"] == "User is not authorized to write on resource: flash_jupyter."
    assert authorizer.asked == [("read", "flash_jupyter"), ("write", "flash_jupyter")]
    assert list(user.platform.endpoints) == ["ep1"]


async def test_a_page_needs_its_xsrf_token_to_change_something(
    ask: Ask, jp_serverapp: ServerApp, http_server_client: Any, jp_base_url: str, user: User
) -> None:
    """The cookie alone is not enough: any page on the web could send it."""
    token = jp_serverapp.identity_provider.token
    cookies: dict[str, str] = {}
    for path in (f"login?token={token}", "login"):  # the first says who it is, the second page has the form's token
        page = await http_server_client.fetch(f"{jp_base_url}{path}", follow_redirects=False, raise_error=False)
        cookies |= dict(cookie.partition(";")[0].split("=", 1) for cookie in page.headers.get_list("Set-Cookie"))
    session = "; ".join(f"{name}={value}" for name, value in cookies.items() if name != "_xsrf")
    cookie = f"{session}; _xsrf={cookies['_xsrf']}"
    user.platform.add({"name": "one"})
    refused = await ask("DELETE", "/endpoints/runpod/ep1", headers={"Cookie": cookie})
    assert refused.status == 403
    assert "'_xsrf' argument missing" in refused.document["message"]
    assert list(user.platform.endpoints) == ["ep1"]
    headers = {"Cookie": cookie, "X-XSRFToken": cookies["_xsrf"]}
    assert (await ask("DELETE", "/endpoints/runpod/ep1", headers=headers)).document == {"deleted": ["one"]}


async def test_a_path_that_does_not_exist_is_told_in_json(ask: Ask) -> None:
    for path in ("", "/", "/endpoint", "/jobs/a/b/c"):
        answer = await ask("GET", path)
        assert (answer.status, answer.document["message"]) == (
            404,
            "there is no such route; rest-api.yml of the sources has the list",
        )


async def test_a_verb_that_does_not_exist_is_told_in_json(ask: Ask) -> None:
    answer = await ask("PUT", "/jobs")
    assert answer.status == 405
    assert json.loads(answer.text)["type"] == "HTTPError"


async def test_nothing_is_kept_by_a_cache(ask: Ask) -> None:
    answer = await ask("GET", "/about")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
