from __future__ import annotations

from contract import answer

from flash_jupyter.states import WorkerState
from flash_jupyter.wire.control import Endpoint, EndpointList, Problem, RequestUrls, WorkerList


def test_an_endpoint_as_recorded() -> None:
    endpoint = Endpoint.model_validate_json(answer("control-get"))
    assert (endpoint.id, endpoint.name, endpoint.type) == ("4m7x2k9q", "image-generator", "QUEUE")
    assert endpoint.env == {"MODEL_NAME": "sdxl"}
    assert endpoint.workers == {"min": 0, "max": 5, "idleTimeout": 5}
    urls = RequestUrls.model_validate(endpoint.request_urls)
    assert urls.status == "https://api.runpod.ai/v2/4m7x2k9q/status/{job_id}"


def test_a_list_of_endpoints_as_recorded() -> None:
    assert EndpointList.model_validate_json(answer("control-list")).endpoints[0].id == "4m7x2k9q"


def test_workers_as_recorded() -> None:
    (worker,) = WorkerList.model_validate_json(answer("control-workers")).workers
    assert (worker.id, worker.status, worker.gpu_type) == ("8g3n5t6r", WorkerState.RUNNING, None)


def test_what_the_platform_adds_later_is_no_error() -> None:
    assert Endpoint.model_validate({"id": "e", "name": "n", "novelty": {"a": 1}}).name == "n"


def test_a_problem_says_its_most_specific_words() -> None:
    assert Problem.model_validate_json(answer("control-error-404")).text
    listed = Problem(title="Bad Request", detail="invalid body", errors=("$: additional properties 'bogus'",))
    assert listed.text == "invalid body; $: additional properties 'bogus'"
