from __future__ import annotations

import pytest
from emulated import KEY, Api
from starlette.routing import Route

from flash_jupyter.emulator.problems import ARTIFACTS


def test_no_route_answers_without_the_key(api: Api) -> None:
    routes = [route for route in api.app.routes if isinstance(route, Route)]
    assert len(routes) > 18
    for route in routes:
        path = route.path.replace("{", "").replace("}", "")
        for method in route.methods or ():
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}):
                answer = api.request(method, path, headers=headers)
                # a presigned URL stands for a key: without its signature it is refused as S3 does
                assert answer.status_code == (403 if path.startswith(ARTIFACTS) else 401), (method, path)


@pytest.mark.parametrize("path", ["/", "/no/such/route", "/v2/serverless/x/y"])
def test_a_route_that_does_not_exist_is_not_told_without_the_key(api: Api, path: str) -> None:
    assert api.get(path, headers={}).status_code == 401
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("value", [KEY, f"Bearer {KEY}"], ids=["raw", "bearer"])
def test_the_key_is_taken_raw_and_as_bearer(api: Api, value: str) -> None:
    assert api.get("/v2/serverless", headers={"Authorization": value}).status_code == 200


def test_each_plane_refuses_in_its_own_form(api: Api) -> None:
    assert api.get("/v2/serverless", headers={}).json()["title"] == "Unauthorized"
    assert api.get("/v2/x/health", headers={}).json() == {"error": "the API key is missing or wrong"}
