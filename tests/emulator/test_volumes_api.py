from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract import example
from emulated import Api, RealServer, unpickled, wait_for
from replayed import check, send

VOLUME = {"name": "data", "size": 10, "dataCenter": "EU-RO-1"}
RECORDED = {"dataCenterId": "EU-RO-1", "name": "vol", "size": 20}  # recordings/live-1.0.0.jsonl and live-1.21.0.jsonl


def made(api: Api, **changes: Any) -> str:
    answer = api.post("/v2/network-volumes", json={**VOLUME, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def folder(api: Api, volume: str) -> Path:
    return api.config.folder / "volumes" / volume


def test_create(api: Api) -> None:
    expected = example("volume-create")
    answer = send(api, expected["request"])
    check("volume-create", answer)
    assert {**answer.json(), "id": ""} == {**expected["response"]["body"], "id": ""}
    assert folder(api, answer.json()["id"]).is_dir()


@pytest.mark.parametrize("verb", ["list", "get", "patch", "delete"])
def test_requests_for_a_volume(api: Api, verb: str) -> None:
    name = f"volume-{verb}"
    volume = send(api, example("volume-create")["request"]).json()["id"]
    check(name, send(api, example(name)["request"], **{"2q9m7x4c": volume}))


def test_the_default_type_is_the_data_centres_primary_one(api: Api) -> None:
    assert api.post("/v2/network-volumes", json=VOLUME).json()["type"] == "STANDARD"


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("no size", {"size": ...}, 422, "$: missing property 'size'"),
    ("too small", {"size": 9}, 422, "$.size: 9 is less than 10"),
    ("too large", {"size": 4097}, 422, "$.size: 4097 is more than 4096"),
    ("an unknown type", {"type": "FAST"}, 422, "$.type: must be one of STANDARD, HIGH_PERFORMANCE"),
    ("an unknown field", {"path": "/x"}, 422, "$: additional properties 'path' not allowed"),
    ("a data centre that does not exist", {"dataCenter": "EU-XX-1"}, 400, "unknown data center 'EU-XX-1'"),
    ("a tier that is not there", {"type": "HIGH_PERFORMANCE"}, 400, "EU-RO-1 has no HIGH_PERFORMANCE volumes"),
    ("a data centre without volumes", {"dataCenter": "US-TX-3"}, 400, "US-TX-3 has no network volumes"),
]


@pytest.mark.parametrize(
    ("changes", "status", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_create_refuses(api: Api, changes: dict[str, Any], status: int, text: str) -> None:
    body = {name: value for name, value in {**VOLUME, **changes}.items() if value is not ...}
    answer = api.post("/v2/network-volumes", json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert text in " ".join([answer.json()["detail"], *answer.json().get("errors", [])])
    assert api.get("/v2/network-volumes").json() == {"networkVolumes": []}


PATCHED: list[tuple[str, dict[str, Any], int, dict[str, Any]]] = [
    ("its name", {"name": "new"}, 200, {"name": "new"}),
    ("more room", {"size": 11}, 200, {"size": 11}),
    ("as large as it is", {"size": 10}, 200, {}),
    ("nothing", {}, 422, {"errors": ["$: needs 1 property or more"]}),
    ("its data centre", {"dataCenter": "US-KS-2"}, 422, {}),
]


@pytest.mark.parametrize(
    ("patch", "status", "shown"), [case[1:] for case in PATCHED], ids=[case[0] for case in PATCHED]
)
def test_patch(api: Api, patch: dict[str, Any], status: int, shown: dict[str, Any]) -> None:
    volume = made(api)
    answer = api.request("PATCH", f"/v2/network-volumes/{volume}", json=patch)
    assert answer.status_code == status
    assert {name: answer.json()[name] for name in shown} == shown
    if status == 200:
        expected = {"id": volume, **VOLUME, "type": "STANDARD", **shown}
        assert api.get(f"/v2/network-volumes/{volume}").json() == expected


def test_a_volume_never_shrinks(api: Api) -> None:
    answer = api.request("PATCH", f"/v2/network-volumes/{made(api, size=50)}", json={"size": 49})
    assert (answer.status_code, answer.json()["detail"]) == (400, "a network volume can't shrink: it has 50 GB")


def test_a_deleted_volume_takes_its_files_along(api: Api) -> None:
    volume = made(api)
    (folder(api, volume) / "weights").write_text("x")
    assert api.request("DELETE", f"/v2/network-volumes/{volume}").status_code == 204
    assert not folder(api, volume).exists()
    assert api.get(f"/v2/network-volumes/{volume}").status_code == 404
    api.clock.now += 2
    api.tick()
    wait_for(lambda: not list(api.config.folder.glob("trash-*")))


# --- endpoints with volumes ------------------------------------------------------------------------------------


def test_a_volume_that_an_endpoint_uses_can_not_be_deleted(api: Api) -> None:
    volume = made(api)
    endpoint = api.endpoint(networkVolumes=[volume])
    answer = api.request("DELETE", f"/v2/network-volumes/{volume}")
    detail = f"the network volume is in use by serverless endpoint {endpoint}"
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    api.request("DELETE", f"/v2/serverless/{endpoint}")
    assert folder(api, volume).is_dir()
    assert api.request("DELETE", f"/v2/network-volumes/{volume}").status_code == 204


def test_which_volumes_an_endpoint_can_have(api: Api) -> None:
    romania, kansas, second = made(api), made(api, dataCenter="US-KS-2"), made(api)
    answers = {
        "two places": ({"networkVolumes": [romania, kansas]}, 200, ""),
        "unknown": ({"networkVolumes": ["nothing"]}, 404, "network volume 'nothing' not found"),
        "same place": (
            {"networkVolumes": [romania, second]},
            400,
            f"network volumes {romania} and {second} are both in EU-RO-1; one is allowed",
        ),
        "elsewhere": (
            {"networkVolumes": [kansas], "dataCenterIds": ["EU-RO-1"]},
            400,
            f"network volume {kansas} is in US-KS-2, which is not in dataCenterIds",
        ),
        "no such place": ({"dataCenterIds": ["XX-1"]}, 400, "unknown data center 'XX-1'"),
    }
    for body, status, text in answers.values():
        answer = api.request("PATCH", f"/v2/serverless/{api.endpoint()}", json=body)
        assert answer.status_code == status, answer.text
        assert text in answer.json().get("detail", "")


def test_a_worker_gets_the_first_volume(api: Api) -> None:
    volumes = [made(api), made(api, dataCenter="US-KS-2")]
    api.run(api.endpoint(networkVolumes=volumes))
    api.worker()
    assert api.pool.orders[-1].document["networkVolumes"] == volumes


WRITE = "def f(text):\n    import os, pathlib\n    pathlib.Path(os.environ['RUNPOD_VOLUME_PATH'], 'a.txt').write_text(text)\n"
READ = (
    "def f():\n    import os, pathlib\n    return pathlib.Path(os.environ['RUNPOD_VOLUME_PATH'], 'a.txt').read_text()\n"
)


@pytest.mark.journey
def test_files_of_a_volume_outlive_the_endpoint_and_the_server(serve: Callable[..., RealServer]) -> None:
    server = serve()
    volume = server.client.post("/v2/network-volumes", json=VOLUME).json()["id"]
    first = server.endpoint(networkVolumes=[volume])
    assert server.finished(first, server.run(first, WRITE, "kept"))["status"] == "COMPLETED"
    server.client.delete(f"/v2/serverless/{first}").raise_for_status()
    server.stop()
    server.start()
    second = server.endpoint(networkVolumes=[volume])
    assert unpickled(server.finished(second, server.run(second, READ))["output"]) == "kept"
    assert (server.folder / "volumes" / volume / "a.txt").read_text() == "kept"


# --- REST v1 ---------------------------------------------------------------------------------------------------


def test_v1_shows_the_same_volumes_with_exactly_four_keys(api: Api) -> None:
    assert api.get("/v1/networkvolumes").json() == []
    answer = api.post("/v1/networkvolumes", json=RECORDED)
    assert (answer.status_code, {**answer.json(), "id": ""}) == (201, {**RECORDED, "id": ""})
    volume = answer.json()["id"]
    assert api.get("/v1/networkvolumes").json() == [answer.json()]
    assert api.get(f"/v1/networkvolumes/{volume}").json() == answer.json()
    assert api.get(f"/v2/network-volumes/{volume}").json() == {
        "id": volume,
        "name": "vol",
        "size": 20,
        "dataCenter": "EU-RO-1",
        "type": "STANDARD",
    }


@pytest.mark.parametrize(("method", "suffix"), [("PATCH", ""), ("POST", "/update")])
def test_v1_changes_a_volume(api: Api, method: str, suffix: str) -> None:
    volume = made(api)
    answer = api.request(method, f"/v1/networkvolumes/{volume}{suffix}", json={"size": 30})
    expected = {"id": volume, "name": "data", "size": 30, "dataCenterId": "EU-RO-1"}
    assert (answer.status_code, answer.json()) == (200, expected)


def test_v1_deletes_a_volume(api: Api) -> None:
    volume = made(api)
    answer = api.request("DELETE", f"/v1/networkvolumes/{volume}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get("/v1/networkvolumes").json() == []


V1_REFUSED: list[tuple[str, Any, int, str]] = [
    ("not JSON", "{", 400, "the body is not JSON"),
    ("no name", {"size": 20, "dataCenterId": "EU-RO-1"}, 400, "$: missing property 'name'"),
    ("the key of v2", {**RECORDED, "dataCenter": "EU-RO-1"}, 400, "additional properties 'dataCenter' not allowed"),
    ("an unknown data centre", {**RECORDED, "dataCenterId": "EU-XX-1"}, 400, "unknown data center 'EU-XX-1'"),
]


@pytest.mark.parametrize(
    ("body", "status", "text"), [case[1:] for case in V1_REFUSED], ids=[case[0] for case in V1_REFUSED]
)
def test_v1_refuses_with_a_message(api: Api, body: Any, status: int, text: str) -> None:
    answer = api.post("/v1/networkvolumes", content=body if isinstance(body, str) else json.dumps(body))
    assert answer.status_code == status
    assert set(answer.json()) == {"message"}
    assert text in answer.json()["message"]


def test_errors_of_v1_in_its_own_form(api: Api) -> None:
    assert api.get("/v1/networkvolumes/nothing").json() == {"message": "network volume not found"}
    assert api.get("/v1/endpoints").json() == {"message": "Not Found"}
    answer = api.get("/v1/networkvolumes", headers={})
    assert (answer.status_code, answer.json()) == (401, {"message": "missing bearer token"})
