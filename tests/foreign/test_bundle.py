"""A built bundle on the embedded Runpod, in an environment that has the released `runpod` SDK and nothing of ours."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from artifacts import deploy, upload
from foreign import Platform, told
from projects import CALLING_WEB, MODEL

from flash_jupyter.build.bundle import BuildOptions, build
from flash_jupyter.settings import Settings

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
def endpoints(
    released: Callable[..., Path], platform: Platform, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Build a project of two functions, a class and three routes, and deploy it; gives resource -> endpoint."""
    folder = tmp_path_factory.mktemp("projects") / "shop"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "web.py").write_text(CALLING_WEB)
    bundle = build(folder, settings=settings)
    environment = upload(platform.client, "shop", bundle.archive)
    image = {"FLASH_JUPYTER_PYTHON": str(released("runpod==1.12.0", "cloudpickle"))}
    return {
        name: deploy(platform.client, environment, name, kind="LB" if resource.is_load_balanced else "QB", env=image)
        for name, resource in bundle.manifest.resources.items()
    }


def answer(platform: Platform, endpoint: str, order: Any) -> dict[str, Any]:
    return told(platform.reached(endpoint, platform.submit(endpoint, order)))


PLAIN = {
    "a function": ({"function": "double", "x": 2}, 4),
    "an async one, which calls another of its resource": ({"function": "quadruple", "x": 2}, 8),
    "a method with a default": ({"function": "Counter", "method": "read"}, 0),
}


@pytest.mark.parametrize(("order", "value"), PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_caller_gets_the_value(
    order: dict[str, Any], value: Any, endpoints: dict[str, str], platform: Platform
) -> None:
    assert answer(platform, endpoints["numbers"], order) == {"status": "COMPLETED", "output": value}


def test_a_python_caller_gets_a_function_response(endpoints: dict[str, str], platform: Platform) -> None:
    args = [base64.b64encode(cloudpickle.dumps(21)).decode()]
    found = answer(
        platform, endpoints["numbers"], {"function_name": "double", "execution_type": "function", "args": args}
    )
    assert found["output"]["success"] is True
    assert cloudpickle.loads(base64.b64decode(found["output"]["result"])) == 42


def test_an_instance_of_a_python_caller_lives_on_in_its_worker(endpoints: dict[str, str], platform: Platform) -> None:
    order = {
        "execution_type": "class",
        "class_name": "Counter",
        "instance_id": "Counter_1",
        "create_new_instance": False,
        "method_name": "add",
        "serialization_format": "json",
    }
    values = [answer(platform, endpoints["numbers"], order)["output"]["json_result"] for _ in range(2)]
    assert values == [1, 2]


def test_what_does_not_fit_fails_with_what_would(endpoints: dict[str, str], platform: Platform) -> None:
    found = answer(platform, endpoints["numbers"], {"function": "triple", "x": 2})
    assert found["status"] == "FAILED"
    assert "there is no function 'triple' here; there are double, quadruple, Counter" in found["error"]


@pytest.fixture(scope="module")
def web(endpoints: dict[str, str], platform: Platform) -> str:
    """Give the path of the load balancer when its worker is there: a `/ping` before says that it starts."""
    path = f"/lb/{endpoints['web']}"
    woken = platform.client.post(f"{path}/price", json={"amount": 1}, timeout=120)
    assert woken.status_code == 200, woken.text
    return path


ROUTES: dict[str, tuple[tuple[str, str, dict[str, Any]], tuple[int, Any]]] = {
    "a JSON body": (("POST", "price", {"json": {"amount": 3}}), (200, "3.00 EUR")),
    "a path and a query": (("GET", "items/7", {"params": {"full": "true"}}), (200, {"number": 7, "full": True})),
    "health": (("GET", "ping", {}), (200, {"status": "healthy"})),
    "no code that is sent": (("POST", "execute", {"json": {}}), (404, {"detail": "Not Found"})),
    "a function of another resource, without a key for it": (
        ("POST", "both", {"json": {"x": 1}}),
        (
            500,
            {
                "detail": "FlashError: web calls double of numbers, and for that it needs a key: this worker has no "
                "RUNPOD_API_KEY\n  → store a restricted key as a secret of Runpod, then: flash deploy send "
                "--runtime-secret NAME"
            },
        ),
    ),
}


@pytest.mark.parametrize(("request_", "expected"), ROUTES.values(), ids=ROUTES.keys())
def test_the_routes_of_a_load_balancer(
    request_: tuple[str, str, dict[str, Any]],
    expected: tuple[int, Any],
    web: str,
    platform: Platform,
) -> None:
    method, path, more = request_
    found = platform.client.request(method, f"{web}/{path}", timeout=120, **more)
    assert (found.status_code, found.json()) == expected


def test_an_import_that_fails_on_the_worker_is_told_with_what_to_do(
    released: Callable[..., Path], platform: Platform, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "model.py").write_text(f"try:\n    import nowhere\nexcept ValueError:\n    pass\n{MODEL}")
    bundle = build(tmp_path, BuildOptions(exclude=("nowhere",)), settings=settings)
    environment = upload(platform.client, "broken", bundle.archive)
    image = {"FLASH_JUPYTER_PYTHON": str(released("runpod==1.12.0", "cloudpickle"))}
    endpoint = deploy(platform.client, environment, "numbers", env=image)
    found = platform.reached(endpoint, platform.submit(endpoint, {"function": "double", "x": 1}))
    assert found["status"] == "FAILED"
    assert "model, which has double, can't be imported on this worker: there is no module nowhere" in found["error"]
    assert "add the package that has nowhere to the dependencies" in found["error"]
