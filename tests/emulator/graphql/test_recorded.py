"""What released clients really sent, sent again: `tests/contract/recorded`, with whole answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking import answer, ask
from emulated import Api

RECORDED = Path(__file__).parents[2] / "contract" / "recorded"
#: of an endpoint that says nothing about them
DEFAULTS: dict[str, Any] = {
    "activeBuildid": None,
    "allowedCudaVersions": "",
    "executionTimeoutMs": 300_000,
    "flashBootType": "OFF",
    "flashEnvironmentId": None,
    "gpuCount": 0,
    "gpuIds": "",
    "idePodId": None,
    "idleTimeout": 5,
    "instanceIds": [],
    "locations": None,
    "minCudaVersion": None,
    "networkVolumeId": None,
    "networkVolumeIds": [],
    "userId": "user_local",
    "workersPFBTarget": 0,
    "workersStandby": 0,
}


class Replay:
    """Sends recorded requests; the ids of the recording become those of this embedded Runpod."""

    def __init__(self, api: Api) -> None:
        self._api = api
        volume = api.post("/v1/networkvolumes", json={"name": "models", "size": 10, "dataCenterId": "EU-RO-1"})
        self._ids: dict[str, str] = {"vol1": volume.json()["id"]}
        #: the server that was recorded gave all endpoints one id
        self._endpoints: dict[str, str] = {}
        self._upload_url = ""
        self._build: str | None = None

    def run(self, name: str) -> None:
        for request in json.loads((RECORDED / f"{name}.json").read_text())["requests"]:
            if "upload" in request:
                body = bytes(request["upload"])
                assert self._api.request("PUT", self._upload_url, content=body, headers={}).status_code == 200
            else:
                check = getattr(self, f"_check_{request['operation']}")
                check(request["operation"], self._mapped(request["variables"]))

    def _mapped(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._mapped(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._mapped(member) for member in value]
        return self._ids.get(value, value) if isinstance(value, str) else value

    def _check_getFlashAppByName(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        body = answer(self._api, operation, **variables)
        if "app1" not in self._ids:
            assert [error["message"] for error in body["errors"]] == [
                f"flash app not found: {variables['flashAppName']}"
            ]
            return
        app = body["data"]["flashAppByName"]
        assert (app["id"], app["name"]) == (self._ids["app1"], variables["flashAppName"])
        assert [environment["name"] for environment in app["flashEnvironments"]] == ["production"][
            : "env1" in self._ids
        ]

    def _check_createFlashApp(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        made = ask(self._api, operation, **variables)
        assert made == {"id": made["id"], "name": variables["input"]["name"]}
        self._ids["app1"] = made["id"]

    def _check_createFlashEnvironment(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        made = ask(self._api, operation, **variables)
        assert made == {"id": made["id"], "name": variables["input"]["name"]}
        self._ids["env1"] = made["id"]

    def _check_getFlashEnvironmentByName(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        assert ask(self._api, operation, **variables) == {
            "id": self._ids["env1"],
            "name": "production",
            "state": "PENDING",
            "activeBuildId": None,
            "endpoints": [],
            "networkVolumes": [],
        }

    def _check_PrepareArtifactUpload(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        prepared = ask(self._api, operation, **variables)
        assert set(prepared) == {"uploadUrl", "objectKey", "expiresAt"}
        self._upload_url = prepared["uploadUrl"]
        self._ids["flash/u/app1/b.tar.gz"] = prepared["objectKey"]

    def _check_FinalizeArtifactUpload(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        built = ask(self._api, operation, **variables)
        assert built == {"id": built["id"], "manifest": variables["input"]["manifest"]}
        self._ids["build1"] = built["id"]

    def _check_deployBuildToEnvironment(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        deployed = ask(self._api, operation, **variables)
        assert (deployed["id"], deployed["name"]) == (self._ids["env1"], "production")
        assert deployed["activeArtifact"]["objectKey"] == self._ids["flash/u/app1/b.tar.gz"]
        self._build = self._ids["build1"]

    def _check_getFlashBuild(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        built = ask(self._api, operation, **variables)
        assert built["id"] == self._ids["build1"]
        assert set(built["manifest"]) >= {"version", "resources", "function_registry"}

    def _check_updateFlashBuildManifest(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        sent = variables["input"]
        assert ask(self._api, operation, **variables) == {"id": sent["flashBuildId"], "manifest": sent["manifest"]}

    def _check_saveEndpoint(self, operation: str, variables: dict[str, Any]) -> None:  # noqa: N802
        sent = variables["input"]
        if "id" in sent:
            sent["id"] = self._endpoints[sent["name"]]
        saved = ask(self._api, operation, **variables)
        known = self._endpoints.setdefault(sent["name"], saved["id"])
        volume = sent.get("networkVolumeId")
        assert saved == {
            **DEFAULTS,
            **{name: value for name, value in sent.items() if name != "template"},
            "id": known,
            "templateId": f"tpl{known}",
            "aiKey": saved["aiKey"],
            "version": 1,  # also of an update that changes nothing
            "activeBuildid": self._build if "flashEnvironmentId" in sent else None,
            "networkVolumeIds": [{"networkVolumeId": volume, "dataCenterId": "EU-RO-1"}] if volume else [],
        }
        template = ask(self._api, "getTemplate", id=saved["templateId"])
        assert template == {name: value for name, value in sent["template"].items() if name in template} | {
            "id": saved["templateId"],
            "readme": "",
        }
        shown = self._api.get(f"/v2/serverless/{saved['id']}").json()
        assert (shown["name"], shown["image"]) == (sent["name"], sent["template"]["imageName"])


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.json")))
def test_what_a_released_client_sent_is_answered(api: Api, name: str) -> None:
    Replay(api).run(name)
