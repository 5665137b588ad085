from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from contract import example
from emulated import CPU_ENDPOINT, Api
from replayed import check, send

TEMPLATE = {
    "name": "base",
    "image": "runpod/flash-cpu:latest",
    "args": "python -u handler.py",
    "disk": 30,
    "ports": ["8000/http"],
    "env": {"A": "1", "B": "1"},
    "serverless": True,
    "allowedCudaVersions": ["12.8"],
}
GPU_ENDPOINT = {**{k: v for k, v in CPU_ENDPOINT.items() if k not in ("cpu", "image")}, "gpu": {"pools": ["ADA_24"]}}


def made(api: Api, **changes: Any) -> str:
    answer = api.post("/v2/templates", json={**TEMPLATE, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def bound(api: Api, template: str) -> str:
    """An endpoint that follows a template, as GraphQL's `saveEndpoint` makes them."""
    endpoint = api.endpoint()
    api.call(lambda: api.emulator.templates.bind(endpoint, template))
    return endpoint


def test_create(api: Api) -> None:
    expected = example("template-create")
    answer = send(api, expected["request"])
    check("template-create", answer)
    # the example's answer contradicts the default which the schema states
    assert {**answer.json(), "id": "", "startJupyter": False} == {**expected["response"]["body"], "id": ""}


@pytest.mark.parametrize("name", ["list", "get", "patch", "delete"])
def test_requests_for_a_template(api: Api, name: str) -> None:
    template = send(api, example("template-create")["request"]).json()["id"]
    request = example(f"template-{name}")["request"]
    check(f"template-{name}", send(api, request, **{"9x4m2p7v": template}))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no image", {"image": ...}, "$: missing property 'image'"),
    ("an empty name", {"name": ""}, "$.name: must not be empty"),
    ("an unknown category", {"category": "TPU"}, "$.category: must be one of CPU, NVIDIA, AMD"),
    ("a network mount", {"mounts": {"network": []}}, "$.mounts: additional properties 'network' not allowed"),
    ("a mount too small", {"mounts": {"persistent": {"size": 9, "path": "/w"}}}, "9 is less than 10"),
    ("a text for a truth value", {"public": "yes"}, "$.public: must be boolean"),
    ("a CUDA version without a minor one", {"allowedCudaVersions": ["12"]}, "does not match"),
]


@pytest.mark.parametrize(("changes", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_create_refuses(api: Api, changes: dict[str, Any], text: str) -> None:
    body = {name: value for name, value in {**TEMPLATE, **changes}.items() if value is not ...}
    answer = api.post("/v2/templates", json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert text in " ".join(answer.json()["errors"])
    assert api.get("/v2/templates").json() == {"templates": []}


def test_a_patch_changes_what_it_names_and_empty_mounts_change_nothing(api: Api) -> None:
    template = made(api, mounts={"persistent": {"size": 20, "path": "/workspace"}})
    before = api.get(f"/v2/templates/{template}").json()
    patch = {"env": {"C": "3"}, "mounts": {}, "startSsh": False}
    answer = api.request("PATCH", f"/v2/templates/{template}", json=patch)
    assert answer.json() == {**before, "env": {"C": "3"}, "startSsh": False}
    assert api.get(f"/v2/templates/{template}").json() == answer.json()


def test_a_public_template_can_be_read_but_not_changed(api: Api) -> None:
    check("catalog-templates", send(api, example("catalog-templates")["request"]))
    shown = api.get("/v2/catalog/templates").json()["templates"]
    assert shown[0] == example("catalog-templates")["response"]["body"]["templates"][0]
    path = f"/v2/templates/{shown[0]['id']}"
    assert api.get(path).json() == shown[0]
    assert api.request("PATCH", path, json={"name": "mine"}).status_code == 404
    assert api.request("DELETE", path).status_code == 404
    assert api.get("/v2/templates").json() == {"templates": []}


@pytest.mark.parametrize(
    ("source", "status"), [("official", 200), ("verified", 200), ("community", 200), ("mine", 422), ("", 422)]
)
def test_which_slice_of_the_public_templates(api: Api, source: str, status: int) -> None:
    answer = api.get("/v2/catalog/templates", params={"source": source})
    assert answer.status_code == status
    if status == 200:
        assert bool(answer.json()["templates"]) == (source == "official")


# --- endpoints from a template ---------------------------------------------------------------------------------


def test_an_endpoint_takes_the_templates_settings_and_the_body_wins(api: Api) -> None:
    body = {**GPU_ENDPOINT, "templateId": made(api), "disk": 7, "env": {"B": "2", "C": "2"}}
    endpoint = api.post("/v2/serverless", json=body).json()
    taken = {name: endpoint[name] for name in ("image", "args", "disk", "ports", "env", "registry")}
    assert taken == {
        "image": "runpod/flash-cpu:latest",
        "args": "python -u handler.py",
        "disk": 7,
        "ports": ["8000/http"],
        "env": {"A": "1", "B": "2", "C": "2"},
        "registry": None,
    }
    assert "templateId" not in endpoint


SEEDED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a GPU create that names none gets the template's", {"gpu": {"pools": ["ADA_24"]}}, ["12.8"]),
    ("the body's own win", {"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": ["12.6"]}}, ["12.6"]),
    ("an empty set is a wish too", {"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": []}}, []),
    ("a floor stays alone", {"gpu": {"pools": ["ADA_24"], "minCudaVersion": "12.1"}}, []),
]


@pytest.mark.parametrize(("changes", "versions"), [case[1:] for case in SEEDED], ids=[case[0] for case in SEEDED])
def test_cuda_versions_of_a_template(api: Api, changes: dict[str, Any], versions: list[str]) -> None:
    answer = api.post("/v2/serverless", json={**GPU_ENDPOINT, **changes, "templateId": made(api)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["gpu"]["allowedCudaVersions"] == versions


def test_a_cpu_endpoint_takes_no_cuda_versions(api: Api) -> None:
    body = {name: value for name, value in CPU_ENDPOINT.items() if name != "image"}
    answer = api.post("/v2/serverless", json={**body, "templateId": made(api)})
    assert answer.status_code == 201, answer.text
    assert "gpu" not in answer.json()


@pytest.mark.parametrize(
    ("template", "status", "detail"),
    [("nothing", 404, "template not found"), ("30zmvf89kd", 422, "template 30zmvf89kd is not a serverless template")],
    ids=["an unknown one", "one of pods"],
)
def test_which_template_an_endpoint_can_not_have(api: Api, template: str, status: int, detail: str) -> None:
    create = api.post("/v2/serverless", json={**GPU_ENDPOINT, "templateId": template})
    patch = api.request("PATCH", f"/v2/serverless/{api.endpoint()}", json={"templateId": template})
    for answer in (create, patch):
        assert (answer.status_code, answer.json()["detail"]) == (status, detail)


def test_a_patch_with_a_template_applies_it_once_and_makes_a_release(api: Api) -> None:
    template, endpoint = made(api), api.endpoint(env={"OLD": "1"})
    path = f"/v2/serverless/{endpoint}"
    shown = api.request("PATCH", path, json={"templateId": template, "env": {"B": "2"}}).json()
    assert (shown["env"], shown["disk"], shown["args"]) == ({"A": "1", "B": "2"}, 30, "python -u handler.py")
    assert api.get(f"{path}/releases").json()["endpointVersion"] == 2
    api.request("PATCH", f"/v2/templates/{template}", json={"env": {"A": "9"}})
    assert api.get(path).json() == shown


def test_a_bound_endpoint_follows_its_template_with_a_release(api: Api) -> None:
    template = made(api)
    followers, copy = [bound(api, template), bound(api, template)], api.endpoint(templateId=template)
    api.request("PATCH", f"/v2/templates/{template}", json={"image": "runpod/flash-cpu:new"})
    for endpoint in followers:
        assert api.get(f"/v2/serverless/{endpoint}").json()["image"] == "runpod/flash-cpu:new"
        assert api.get(f"/v2/serverless/{endpoint}/releases").json()["endpointVersion"] == 2
    assert api.get(f"/v2/serverless/{copy}").json()["image"] == CPU_ENDPOINT["image"]
    assert api.get(f"/v2/serverless/{copy}/releases").json()["endpointVersion"] == 1


def test_a_bound_template_is_kept_until_its_last_endpoint_goes(api: Api) -> None:
    template = made(api)
    first, second = bound(api, template), bound(api, template)
    answer = api.request("DELETE", f"/v2/templates/{template}")
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        f"the template is in use by serverless endpoint {first}",
    )
    api.request("DELETE", f"/v2/serverless/{first}")
    assert api.get(f"/v2/templates/{template}").status_code == 200
    api.request("DELETE", f"/v2/serverless/{second}")
    assert api.get(f"/v2/templates/{template}").status_code == 404


def test_templates_and_bindings_survive_the_server(tmp_path: Path) -> None:
    with Api(tmp_path) as api:
        template, gone = made(api), made(api)
        endpoint = bound(api, template)
        api.request("DELETE", f"/v2/templates/{gone}")
        before = api.get("/v2/templates").json()
    with Api(tmp_path) as api:
        assert api.get("/v2/templates").json() == before
        api.request("PATCH", f"/v2/templates/{template}", json={"disk": 40})
        assert api.get(f"/v2/serverless/{endpoint}").json()["disk"] == 40
