"""`saveEndpoint` and its companions: whole answers, and the same endpoints over REST v2."""

from __future__ import annotations

from typing import Any

import pytest
from asking import CPU, GPU, answer, ask, error, save
from emulated import Api

GPU_ANSWER: dict[str, Any] = {
    "gpuIds": "ADA_24",
    "idleTimeout": 60,
    "locations": None,
    "name": "live-w1",
    "networkVolumeId": None,
    "flashEnvironmentId": None,
    "scalerType": "QUEUE_DELAY",
    "scalerValue": 4,
    "type": "QB",
    "userId": "user_local",
    "version": 1,
    "workersMax": 1,
    "workersMin": 0,
    "workersStandby": 0,
    "workersPFBTarget": 0,
    "gpuCount": 1,
    "allowedCudaVersions": "",
    "executionTimeoutMs": 0,
    "instanceIds": [],
    "activeBuildid": None,
    "idePodId": None,
    "networkVolumeIds": [],
    "minCudaVersion": "12.8",
    "flashBootType": "FLASHBOOT",
}
#: the answer to the least that makes a CPU endpoint
CPU_ANSWER = {
    **GPU_ANSWER,
    "name": "cpu-w",
    "gpuIds": "",
    "gpuCount": 0,
    "allowedCudaVersions": "",
    "minCudaVersion": None,
    "instanceIds": ["cpu3g-2-8"],
    "idleTimeout": 5,
    "executionTimeoutMs": 300_000,
    "workersMax": 3,
    "flashBootType": "OFF",
}


def without_ids(saved: dict[str, Any]) -> dict[str, Any]:
    assert saved["templateId"] == f"tpl{saved['id']}"
    assert len(saved["aiKey"]) == 64
    return {name: value for name, value in saved.items() if name not in {"id", "templateId", "aiKey"}}


def rest(api: Api, endpoint_id: str) -> dict[str, Any]:
    """The endpoint as REST v2 shows it, without what differs between any two."""
    shown: dict[str, Any] = api.get(f"/v2/serverless/{endpoint_id}").json()
    return {name: value for name, value in shown.items() if name not in {"id", "createdAt", "requestUrls"}}


def test_a_gpu_endpoint(api: Api) -> None:
    assert without_ids(save(api, **GPU)) == GPU_ANSWER


def test_the_least_of_a_cpu_endpoint(api: Api) -> None:
    assert without_ids(save(api, **CPU)) == CPU_ANSWER


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        pytest.param(
            {"gpuIds": "AMPERE_48,-NVIDIA RTX A6000", "gpuCount": 2},
            {"gpuIds": "AMPERE_48,-NVIDIA RTX A6000", "gpuCount": 2},
            id="a pool without one of its cards",
        ),
        pytest.param(
            {"allowedCudaVersions": "12.8,12.6", "minCudaVersion": "12.6"},
            {"allowedCudaVersions": "12.8,12.6", "minCudaVersion": "12.6"},
            id="both CUDA constraints, which REST v2 refuses",
        ),
        pytest.param(
            {"locations": "US-CA-2,EU-RO-1"}, {"locations": "US-CA-2,EU-RO-1"}, id="data centres, comma-separated"
        ),
        pytest.param(
            {"workersPFBTarget": 2, "workersStandby": 1},
            {"workersPFBTarget": 2, "workersStandby": 1},
            id="worker counts that only GraphQL has",
        ),
        pytest.param(
            {"scalerType": "REQUEST_COUNT", "scalerValue": 7, "idleTimeout": 9},
            {"scalerType": "REQUEST_COUNT", "scalerValue": 7, "idleTimeout": 9},
            id="an idle timeout where REST v2 has none",
        ),
        pytest.param({"locations": None, "gpuIds": " ADA_24 , "}, {}, id="nulls and blanks say nothing"),
    ],
)
def test_what_is_sent_is_shown_again(api: Api, sent: dict[str, Any], shown: dict[str, Any]) -> None:
    assert without_ids(save(api, **{**GPU, **sent})) == {**GPU_ANSWER, **shown}


@pytest.mark.parametrize(
    "instances",
    [["cpu3g-1-4"], ["cpu5c-1-2", "cpu3c-32-64"]],
    ids=["one vCPU, which REST v2 refuses", "several, in their order"],
)
def test_cpu_instances(api: Api, instances: list[str]) -> None:
    """Empty `gpuIds` and a count of 0 beside them are what `LiveServerless(instanceIds=...)` sends."""
    saved = save(api, **{**CPU, "instanceIds": instances, "gpuIds": "", "gpuCount": 0})
    assert without_ids(saved) == {**CPU_ANSWER, "instanceIds": instances}
    assert [cpu["vcpuCount"] for cpu in rest(api, saved["id"])["cpu"]] == [int(i.split("-")[1]) for i in instances]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({**GPU, "name": ""}, "name is needed"),
        ({**GPU, "gpuIds": ""}, "gpuIds or instanceIds is needed"),
        ({**GPU, "template": {"name": "x"}}, "template.imageName or templateId is needed"),
        ({**GPU, "templateId": "nope"}, "template not found"),
        ({**GPU, "id": "nope"}, "endpoint not found: nope"),
        ({**GPU, "flashEnvironmentId": "nope"}, "flash environment not found: nope"),
        ({**GPU, "workersMin": 2}, "workersMin must be 0 to workersMax, but they are 2 and 1"),
        ({**GPU, "idleTimeout": 0}, "idleTimeout must be 1 to 3600 seconds, not 0"),
        ({**GPU, "scalerValue": 0}, "scalerValue must be 1 or more"),
        ({**GPU, "type": "LB"}, "scalerType of an LB endpoint must be REQUEST_COUNT"),
        ({**GPU, "template": {"containerDiskInGb": 0}}, "containerDiskInGb must be 1 or more"),
        (
            {**CPU, "instanceIds": ["cpu9-2-8"]},
            "unknown instance id 'cpu9-2-8'; flavours are cpu3c, cpu3g, cpu5c, cpu5g",
        ),
        (
            {**CPU, "instanceIds": ["cpu3g-2-4"]},
            "unknown instance id 'cpu3g-2-4'; flavours are cpu3c, cpu3g, cpu5c, cpu5g",
        ),
        (
            {**GPU, "gpuIds": "ADA_24,-NVIDIA A40"},
            "excludedTypes: 'NVIDIA A40' is not a GPU type of the selected pools",
        ),
    ],
)
def test_what_is_refused(api: Api, sent: dict[str, Any], message: str) -> None:
    assert error(api, "saveEndpoint", input=sent) == message
    assert ask(api, "") == {"endpoints": []}


def test_an_unknown_pool_is_refused_with_those_that_there_are(api: Api) -> None:
    assert error(api, "saveEndpoint", input={**GPU, "gpuIds": "ADA_25"}).startswith(
        "unknown GPU pool 'ADA_25'; there are "
    )


@pytest.mark.parametrize(
    ("sent", "changed"),
    [
        ({"workersMax": 5}, {"workersMax": 5}),
        ({"name": "other"}, {"name": "other"}),
        ({"executionTimeoutMs": 9000}, {"executionTimeoutMs": 9000}),
        ({"gpuIds": "AMPERE_80"}, {"gpuIds": "AMPERE_80", "version": 2}),
        ({"minCudaVersion": ""}, {"minCudaVersion": None, "version": 2}),
        ({"template": {"imageName": "me/x:2"}}, {"version": 2}),
        ({"template": {"imageName": "runpod/flash:latest", "env": []}}, {}),
    ],
    ids=lambda sent: str(sent),
)
def test_an_update_changes_what_is_sent_and_nothing_else(
    api: Api, sent: dict[str, Any], changed: dict[str, Any]
) -> None:
    made = save(api, **GPU)
    saved = save(api, id=made["id"], **sent)
    assert saved == {**made, **changed}
    assert ask(api, "") == {"endpoints": [{"id": made["id"]}]}


def test_an_update_that_sends_everything_again_makes_no_release(api: Api) -> None:
    """Old clients do that on every call (flash-wire.md 5.9, false drift); workers must not be replaced for it."""
    made = save(api, **GPU)
    assert save(api, id=made["id"], templateId=made["templateId"], **GPU) == made


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"type": "LB"}, "the type of an endpoint can't be changed"),
        ({"instanceIds": ["cpu3g-2-8"]}, "the compute family of an endpoint can't be changed"),
    ],
)
def test_an_update_that_the_platform_refuses(api: Api, sent: dict[str, Any], message: str) -> None:
    made = save(api, **GPU)
    assert error(api, "saveEndpoint", input={"id": made["id"], **sent}) == message


def test_the_same_endpoint_by_graphql_and_by_rest(api: Api) -> None:
    by_graphql = save(
        api,
        **{**GPU, "locations": "EU-RO-1", "minCudaVersion": None, "gpuIds": "AMPERE_48,-NVIDIA A40", "workersMax": 2},
    )
    by_rest = api.post(
        "/v2/serverless",
        json={
            "name": "live-w1",
            "type": "QUEUE",
            "image": "runpod/flash:latest",
            "disk": 64,
            "gpu": {"pools": ["AMPERE_48"], "excludedTypes": ["NVIDIA A40"], "count": 1},
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
            "workers": {"min": 0, "max": 2, "idleTimeout": 60},
            "dataCenterIds": ["EU-RO-1"],
            "timeout": 0,
            "flashboot": "FLASHBOOT",
        },
    ).json()
    assert rest(api, by_graphql["id"]) == rest(api, by_rest["id"])
    other = save(api, id=by_rest["id"], workersPFBTarget=0)
    assert without_ids(other) == without_ids(by_graphql)


def test_the_same_load_balancer_by_graphql_and_by_rest(api: Api) -> None:
    scaling = {"type": "LB", "scalerType": "REQUEST_COUNT", "scalerValue": 4}
    by_graphql = save(api, **CPU, **scaling, idleTimeout=60, executionTimeoutMs=0)
    by_rest = api.endpoint(
        name="cpu-w",
        type="LOAD_BALANCER",
        image="runpod/flash-cpu:latest",
        cpu=[{"id": "cpu3g", "vcpuCount": 2}],
        scaling={"type": "REQUEST_COUNT", "requestCount": 4},
        timeout=0,
    )
    assert rest(api, by_graphql["id"]) == rest(api, by_rest)
    assert without_ids(save(api, id=by_rest, workersPFBTarget=0)) == without_ids(by_graphql)
    urls = [api.get(f"/v2/serverless/{each}").json()["requestUrls"] for each in (by_graphql["id"], by_rest)]
    assert set(urls[0]) == set(urls[1])


def test_a_patch_by_rest_is_seen_by_graphql(api: Api) -> None:
    made = save(api, **GPU)
    api.request("PATCH", f"/v2/serverless/{made['id']}", json={"workers": {"max": 4}, "env": {"A": "1"}})
    assert save(api, id=made["id"]) == {**made, "workersMax": 4, "version": 2}
    assert ask(api, "getTemplate", id=made["templateId"])["env"] == [{"key": "A", "value": "1"}]


def test_delete_takes_workers_and_jobs_along(api: Api) -> None:
    endpoint, _, job = api.running_job()
    assert answer(api, "deleteEndpoint", id=endpoint) == {"data": {"deleteEndpoint": None}}
    assert api.get(f"/v2/serverless/{endpoint}").status_code == 404
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404
    assert api.pool.processes[-1].reason == "killed by signal 9"
    assert error(api, "deleteEndpoint", id=endpoint) == f"endpoint not found: {endpoint}"


def test_the_existence_checks_of_both_clients(api: Api) -> None:
    endpoint = api.endpoint()
    assert ask(api, "getEndpoint", id=endpoint) == {"endpoint": {"id": endpoint}}
    assert ask(api, "getEndpoint", id="nope") == {"endpoint": None}
    assert ask(api, "") == {"endpoints": [{"id": endpoint}]}


# --- templates -----------------------------------------------------------------------------------------------------

TEMPLATE: dict[str, Any] = {
    "name": "LiveServerless_1__PodTemplate_2",
    "imageName": "runpod/flash:py3.12-latest",
    "containerDiskInGb": 64,
    "dockerArgs": "",
    "env": [{"key": "B", "value": "2"}, {"key": "A", "value": "1"}],
}


def test_the_template_of_an_endpoint(api: Api) -> None:
    more = {
        "advancedStart": False,
        "config": {},
        "containerRegistryAuthId": "",
        "ports": "8000/http",
        "startScript": "",
    }
    made = save(api, **{**GPU, "template": {**TEMPLATE, **more}})
    assert ask(api, "getTemplate", id=made["templateId"]) == {**TEMPLATE, "id": made["templateId"], "readme": ""}
    shown = rest(api, made["id"])
    assert (shown["env"], shown["ports"], shown["registry"]) == ({"B": "2", "A": "1"}, ["8000/http"], None)


def test_an_endpoint_made_by_rest_has_a_template_too(api: Api) -> None:
    endpoint = api.endpoint(env={"A": "1"})
    assert ask(api, "getTemplate", id=f"tpl{endpoint}") == {
        "id": f"tpl{endpoint}",
        "name": "",
        "imageName": "runpod/flash-cpu:latest",
        "containerDiskInGb": 20,
        "dockerArgs": "",
        "env": [{"key": "A", "value": "1"}],
        "readme": "",
    }


def test_a_saved_template_makes_a_release_of_its_endpoint(api: Api) -> None:
    """What 1.21 sends after an update (flash-wire.md 1.3)."""
    made = save(api, **{**GPU, "template": TEMPLATE})
    sent = {**TEMPLATE, "id": made["templateId"], "env": [{"key": "PORT", "value": "80"}], "volumeInGb": 0}
    saved = ask(api, "saveTemplate", input=sent)
    assert saved == {**TEMPLATE, "id": made["templateId"], "env": sent["env"], "readme": ""}
    releases = api.get(f"/v2/serverless/{made['id']}/releases").json()["releases"]
    assert [(release["version"], release["diff"]) for release in releases] == [
        (2, [{"field": "env", "old": {"B": "2", "A": "1"}, "new": {"PORT": "80"}}]),
        (1, []),
    ]
    assert ask(api, "saveTemplate", input=sent) == saved
    assert save(api, id=made["id"])["version"] == 2


def test_a_template_that_there_is_not(api: Api) -> None:
    assert answer(api, "getTemplate", id="nope") == {"data": {"podTemplate": None}}
    assert error(api, "saveTemplate", input={**TEMPLATE, "id": "nope"}) == "template not found"
