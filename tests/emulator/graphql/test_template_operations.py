"""Templates that several endpoints follow: those of REST v2, seen and changed over GraphQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import CPU, GPU, answer, ask, error, save
from emulated import Api

SENT: dict[str, Any] = {
    "name": "shared",
    "imageName": "me/worker:1",
    "containerDiskInGb": 30,
    "dockerArgs": "",
    "env": [{"key": "A", "value": "1"}],
    "readme": "What it does.",
}
FOLLOWER = {name: value for name, value in CPU.items() if name != "template"}


@pytest.fixture
def template(api: Api) -> str:
    made = ask(api, "saveTemplate", input={**SENT, "isServerless": True, "volumeInGb": 0})
    assert made == {**SENT, "id": made["id"]}
    return str(made["id"])


def container(api: Api, endpoint: str) -> tuple[Any, ...]:
    shown = api.get(f"/v2/serverless/{endpoint}").json()
    return shown["image"], shown["disk"], shown["env"]


def test_a_template_over_both_interfaces(api: Api, template: str) -> None:
    assert ask(api, "getTemplate", id=template) == {**SENT, "id": template}
    shown = api.get(f"/v2/templates/{template}").json()
    assert (shown["name"], shown["image"], shown["serverless"]) == ("shared", "me/worker:1", True)
    assert "graphql" not in shown
    api.request("PATCH", f"/v2/templates/{template}", json={"env": {"B": "2"}})
    assert ask(api, "getTemplate", id=template) == {**SENT, "id": template, "env": [{"key": "B", "value": "2"}]}


def test_endpoints_follow_their_template(api: Api, template: str) -> None:
    one, two = (save(api, **FOLLOWER, templateId=template) for _ in range(2))
    other = save(api, **CPU)
    assert (one["templateId"], two["templateId"]) == (template, template)
    assert container(api, one["id"]) == ("me/worker:1", 30, {"A": "1"})
    ask(api, "saveTemplate", input={"id": template, "env": [{"key": "A", "value": "2"}]})
    for each in (one, two):
        assert container(api, each["id"]) == ("me/worker:1", 30, {"A": "2"})
        assert save(api, id=each["id"], templateId=template) == {**each, "version": 2}
    assert save(api, id=other["id"]) == other


def test_an_endpoint_that_changes_to_a_template(api: Api, template: str) -> None:
    made = save(api, **CPU)
    saved = save(api, id=made["id"], templateId=template)
    assert saved == {**made, "templateId": template, "version": 2}
    assert container(api, made["id"]) == ("me/worker:1", 30, {"A": "1"})


def test_a_template_that_is_sent_inline_changes_the_one_that_is_followed(api: Api, template: str) -> None:
    one, two = (save(api, **FOLLOWER, templateId=template) for _ in range(2))
    save(api, id=one["id"], template={"imageName": "me/worker:2"})
    assert [container(api, each["id"])[0] for each in (one, two)] == ["me/worker:2", "me/worker:2"]
    assert ask(api, "getTemplate", id=template)["imageName"] == "me/worker:2"


def test_a_template_of_rest_goes_with_its_last_endpoint(api: Api, template: str) -> None:
    one, two = (save(api, **FOLLOWER, templateId=template) for _ in range(2))
    ask(api, "deleteEndpoint", id=one["id"])
    assert ask(api, "getTemplate", id=template)["id"] == template
    ask(api, "deleteEndpoint", id=two["id"])
    assert answer(api, "getTemplate", id=template) == {"data": {"podTemplate": None}}


def test_an_endpoints_own_template_is_not_listed_by_rest(api: Api) -> None:
    made = save(api, **GPU)
    assert api.get("/v2/templates").json() == {"templates": []}
    ask(api, "deleteEndpoint", id=made["id"])
    assert answer(api, "getTemplate", id=made["templateId"]) == {"data": {"podTemplate": None}}


@pytest.mark.parametrize("missing", ["name", "imageName"])
def test_a_new_template_needs_name_and_image(api: Api, missing: str) -> None:
    sent = {name: value for name, value in SENT.items() if name != missing}
    assert error(api, "saveTemplate", input=sent) == "name and imageName are needed"


def test_what_follows_a_template_does_so_after_a_restart(tmp_path: Path) -> None:
    api = Api(tmp_path).__enter__()
    template = ask(api, "saveTemplate", input=SENT)["id"]
    one = save(api, **FOLLOWER, templateId=template)
    api.abandon()
    with Api(tmp_path) as again:
        assert save(again, id=one["id"]) == one
        ask(again, "saveTemplate", input={"id": template, "imageName": "me/worker:2"})
        assert container(again, one["id"])[0] == "me/worker:2"
