"""Apps, environments and builds: whole answers and the texts that released clients look for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from asking import CPU, answer, ask, error, save
from emulated import Api

NOW = "2026-05-28T20:26:40.000000Z"
MANIFEST: dict[str, Any] = {"version": "1.0", "resources": {"a": {"functions": [], "count": 1.5, "none": None}}}


@pytest.fixture
def app(api: Api) -> str:
    return str(ask(api, "createFlashApp", input={"name": "shop"})["id"])


@pytest.fixture
def environment(api: Api, app: str) -> str:
    return str(ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"])


def upload(api: Api, app: str, content: bytes = b"artifact") -> str:
    """Upload an artifact; returns its object key."""
    prepared = ask(api, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": len(content)})
    assert api.request("PUT", prepared["uploadUrl"], content=content, headers={}).status_code == 200
    return str(prepared["objectKey"])


def build(api: Api, app: str) -> str:
    sent = {"flashAppId": app, "objectKey": upload(api, app), "manifest": MANIFEST}
    return str(ask(api, "FinalizeArtifactUpload", input=sent)["id"])


def test_an_app_that_there_is_not_is_an_error_with_the_words_that_clients_look_for(api: Api) -> None:
    assert error(api, "getFlashAppByName", flashAppName="shop") == "flash app not found: shop"
    assert error(api, "getFlashApp", input="nope") == "flash app not found: nope"
    assert error(api, "deleteFlashApp", flashAppId="nope") == "flash app not found: nope"


def test_a_new_app(api: Api) -> None:
    made = ask(api, "createFlashApp", input={"name": "shop"})
    assert made == {"id": made["id"], "name": "shop"}
    whole = {**made, "flashEnvironments": [], "flashBuilds": []}
    assert ask(api, "getFlashAppByName", flashAppName="shop") == whole
    assert ask(api, "getFlashApp", input=made["id"]) == whole
    assert ask(api, "getFlashApps") == {"flashApps": [whole]}


@pytest.mark.parametrize(
    ("name", "message"),
    [("shop", "there is a flash app 'shop' already"), (" ", "a flash app needs a name")],
    ids=["taken", "blank"],
)
def test_a_name_that_is_no_name_of_an_app(api: Api, app: str, name: str, message: str) -> None:
    assert error(api, "createFlashApp", input={"name": name}) == message


def test_a_new_environment(api: Api, app: str) -> None:
    made = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})
    assert made == {"id": made["id"], "name": "production"}
    listed = {**made, "state": "PENDING", "activeBuildId": None, "createdAt": NOW}
    assert ask(api, "listFlashEnvironments", flashAppId=app) == {"flashEnvironments": [listed]}
    assert ask(api, "getFlashAppByName", flashAppName="shop")["flashEnvironments"] == [listed]
    whole = {**listed, "endpoints": [], "networkVolumes": []}
    assert ask(api, "getFlashEnvironment", flashEnvironmentId=made["id"]) == whole
    del whole["createdAt"]
    wanted = {"flashAppId": app, "name": "production"}
    assert ask(api, "getFlashEnvironmentByName", input=wanted) == whole
    assert error(api, "createFlashEnvironment", input=wanted) == "there is a flash environment 'production' already"


def test_an_environment_that_there_is_not(api: Api, app: str) -> None:
    assert error(api, "getFlashEnvironment", flashEnvironmentId="nope") == "flash environment not found: nope"
    wanted = {"flashAppId": app, "name": "nope"}
    assert error(api, "getFlashEnvironmentByName", input=wanted) == "flash environment not found: nope"
    assert (
        error(api, "createFlashEnvironment", input={"flashAppId": "nope", "name": "x"}) == "flash app not found: nope"
    )


def test_the_way_of_a_deployment(api: Api, app: str, environment: str) -> None:
    """The order of calls that flash-wire.md 7.1 has, with whole answers."""
    key = upload(api, app)
    built = ask(api, "FinalizeArtifactUpload", input={"flashAppId": app, "objectKey": key, "manifest": MANIFEST})
    assert built == {"id": built["id"], "manifest": MANIFEST}
    deployed = ask(
        api, "deployBuildToEnvironment", input={"flashEnvironmentId": environment, "flashBuildId": built["id"]}
    )
    artifact = deployed.pop("activeArtifact")
    assert deployed == {"id": environment, "name": "production"}
    assert (artifact["objectKey"], artifact["expiresAt"]) == (key, "2026-05-28T21:26:40.000000Z")
    assert api.get(artifact["downloadUrl"], headers={}).content == b"artifact"
    assert ask(api, "getFlashBuild", input=built["id"]) == built
    saved = save(api, **CPU, flashEnvironmentId=environment)
    assert (saved["flashEnvironmentId"], saved["activeBuildid"]) == (environment, built["id"])
    changed = {**built, "manifest": {**MANIFEST, "resources_endpoints": {"a": "url"}}}
    sent = {"flashBuildId": built["id"], "manifest": changed["manifest"]}
    assert ask(api, "updateFlashBuildManifest", input=sent) == changed
    assert ask(api, "getFlashBuild", input=built["id"]) == changed
    assert ask(api, "getFlashApps") == {
        "flashApps": [
            {
                "id": app,
                "name": "shop",
                "flashEnvironments": [
                    {
                        "id": environment,
                        "name": "production",
                        "state": "HEALTHY",
                        "createdAt": NOW,
                        "activeBuildId": built["id"],
                    }
                ],
                "flashBuilds": [{"id": built["id"], "createdAt": NOW}],
            }
        ]
    }
    assert ask(api, "listFlashBuilds", flashAppId=app) == {
        "flashBuilds": [{"id": built["id"], "objectKey": key, "createdAt": NOW}]
    }


def test_the_state_of_an_environment(api: Api, app: str, environment: str) -> None:
    def state() -> str:
        return str(ask(api, "getFlashEnvironment", flashEnvironmentId=environment)["state"])

    assert state() == "PENDING"
    deploy = {"flashEnvironmentId": environment, "flashBuildId": build(api, app)}
    ask(api, "deployBuildToEnvironment", input=deploy)
    assert state() == "DEPLOYING"
    save(api, **CPU, flashEnvironmentId=environment)
    assert state() == "HEALTHY"
    told = ask(api, "updateFlashEnvironment", input={"flashEnvironmentId": environment, "status": "FAILED"})
    assert told == {"id": environment, "name": "production", "state": "FAILED"}
    assert state() == "FAILED"
    ask(api, "deployBuildToEnvironment", input=deploy)
    assert state() == "HEALTHY"


def test_endpoints_and_volumes_are_added_to_an_environment(api: Api, environment: str) -> None:
    endpoint = api.endpoint()
    added = ask(api, "addEndpointToFlashEnvironment", input={"flashEnvironmentId": environment, "endpointId": endpoint})
    assert added == {"id": endpoint, "name": "one", "flashEnvironmentId": environment}
    body = {"name": "models", "size": 10, "dataCenter": "EU-RO-1"}
    volume = {"id": api.post("/v2/network-volumes", json=body).json()["id"], "name": "models"}
    sent = {"flashEnvironmentId": environment, "networkVolumeId": volume["id"]}
    for _ in range(2):
        added = ask(api, "addNetworkVolumeToFlashEnvironment", input=sent)
        assert added == {**volume, "flashEnvironmentId": environment}
    shown = ask(api, "getFlashEnvironment", flashEnvironmentId=environment)
    assert shown["endpoints"] == [{"id": endpoint, "name": "one"}]
    assert shown["networkVolumes"] == [volume]
    api.request("DELETE", f"/v2/network-volumes/{volume['id']}")
    assert ask(api, "getFlashEnvironment", flashEnvironmentId=environment)["networkVolumes"] == []
    message = error(api, "addNetworkVolumeToFlashEnvironment", input=sent)
    assert message == "network volume not found"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objectKey": "flash/nope.tar.gz"}, "flash artifact not found: flash/nope.tar.gz"),
        ({"manifest": [1]}, "the manifest must be a JSON object"),
        ({"flashAppId": "nope"}, "flash app not found: nope"),
    ],
)
def test_a_build_that_is_refused(api: Api, app: str, change: dict[str, Any], message: str) -> None:
    sent = {"flashAppId": app, "objectKey": upload(api, app), "manifest": MANIFEST, **change}
    assert error(api, "FinalizeArtifactUpload", input=sent) == message


def test_a_build_of_an_artifact_that_never_came(api: Api, app: str) -> None:
    key = ask(api, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": 5})["objectKey"]
    message = error(api, "FinalizeArtifactUpload", input={"flashAppId": app, "objectKey": key, "manifest": {}})
    assert message == f"flash artifact not found: {key}; upload it first"


def test_a_build_of_another_app_is_not_deployed(api: Api, environment: str) -> None:
    other = ask(api, "createFlashApp", input={"name": "other"})["id"]
    sent = {"flashEnvironmentId": environment, "flashBuildId": build(api, other)}
    message = "the build belongs to another app than the environment"
    assert error(api, "deployBuildToEnvironment", input=sent) == message


def test_nothing_that_has_endpoints_is_deleted(api: Api, app: str, environment: str) -> None:
    endpoint = save(api, **CPU, flashEnvironmentId=environment)["id"]
    message = "flash environment 'production' still has endpoints: cpu-w; delete them first"
    assert error(api, "deleteFlashEnvironment", flashEnvironmentId=environment) == message
    assert error(api, "deleteFlashApp", flashAppId=app) == message
    ask(api, "deleteEndpoint", id=endpoint)
    assert answer(api, "deleteFlashEnvironment", flashEnvironmentId=environment) == {
        "data": {"deleteFlashEnvironment": None}
    }
    assert answer(api, "deleteFlashApp", flashAppId=app) == {"data": {"deleteFlashApp": None}}
    assert ask(api, "getFlashApps") == {"flashApps": []}


def test_an_app_takes_its_environments_builds_and_artifacts_along(api: Api, app: str, environment: str) -> None:
    built = build(api, app)
    ask(api, "deployBuildToEnvironment", input={"flashEnvironmentId": environment, "flashBuildId": built})
    assert len(list((api.config.folder / "artifacts").iterdir())) == 1
    ask(api, "deleteFlashApp", flashAppId=app)
    assert list((api.config.folder / "artifacts").iterdir()) == []
    assert error(api, "getFlashBuild", input=built) == f"flash build not found: {built}"
    assert error(api, "getFlashEnvironment", flashEnvironmentId=environment) == (
        f"flash environment not found: {environment}"
    )


def test_an_upload_url_names_object_time_and_signature(api: Api, app: str) -> None:
    prepared = ask(api, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": 1})
    url = urlsplit(prepared["uploadUrl"])
    assert f"{url.scheme}://{url.netloc}" == "http://local"
    assert url.path == f"/artifacts/{prepared['objectKey']}"
    assert url.query.startswith("expires=1780003600&signature=")
    assert prepared["expiresAt"] == "2026-05-28T21:26:40.000000Z"
