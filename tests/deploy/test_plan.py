"""What has to be done, by what is wanted and what there is."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.deploy.plan import Action, Change, Existing, Plan, Step, make_plan

FIELDS = {
    "type": "QB",
    "family": "gpu",
    "volumes": [],
    "locations": [],
    "workers.max": 1,
    "env._FLASH_SOURCE_FINGERPRINT": "aa",
}


def endpoint(name: str = "scorer", endpoint_id: str = "ep1", created_at: str = "2026-01-01", **fields: Any) -> Existing:
    return Existing(name, endpoint_id, {**FIELDS, **fields}, created_at)


def one(action: Action, *changes: Change) -> list[Step]:
    return [Step(action, "scorer", None if action is Action.CREATE else "ep1", changes)]


@pytest.mark.parametrize(
    ("wanted", "actual", "steps"),
    [
        pytest.param({}, [], [], id="nothing is wanted and nothing is there"),
        pytest.param({"scorer": FIELDS}, [], one(Action.CREATE), id="what is not there is made"),
        pytest.param({"scorer": FIELDS}, [endpoint()], one(Action.KEEP), id="what is as it should be stays"),
        pytest.param({}, [endpoint()], one(Action.DELETE), id="what left the manifest goes"),
        pytest.param(
            {"scorer": {**FIELDS, "workers.max": 3}},
            [endpoint()],
            one(Action.UPDATE, Change("workers.max", 1, 3)),
            id="a changed field is an update that names it",
        ),
        pytest.param(
            {"scorer": {**FIELDS, "env.MODE": "secret"}},
            [endpoint()],
            one(Action.UPDATE, Change("env.MODE", "not set", "set")),
            id="a new variable is named without its value",
        ),
        pytest.param(
            {"scorer": {**FIELDS, "env._FLASH_SOURCE_FINGERPRINT": "bb"}},
            [endpoint()],
            one(Action.UPDATE, Change("env._FLASH_SOURCE_FINGERPRINT", "set", "set to another value")),
            id="changed code is an update",
        ),
        pytest.param(
            {"scorer": FIELDS},
            [endpoint(**{"env.OLD": "1"})],
            one(Action.UPDATE, Change("env.OLD", "set", "not set")),
            id="a variable that is no longer wanted goes",
        ),
        *(
            pytest.param(
                {"scorer": {**FIELDS, field: after}},
                [endpoint()],
                one(Action.REPLACE, Change(field, FIELDS[field], after)),
                id=f"another {word} is another endpoint",
            )
            for field, after, word in [
                ("type", "LB", "type"),
                ("family", "cpu", "family"),
                ("volumes", ["models"], "volume"),
                ("locations", ["EU-RO-1"], "data centre"),
            ]
        ),
        pytest.param(
            {"scorer": FIELDS},
            [endpoint(endpoint_id="ep2", created_at="2026-01-02"), endpoint()],
            [Step(Action.KEEP, "scorer", "ep1"), Step(Action.DELETE, "scorer", "ep2")],
            id="of two that fit the older stays",
        ),
        pytest.param(
            {"scorer": FIELDS},
            [endpoint(endpoint_id="ep2", created_at="2026-01-02"), endpoint(type="LB")],
            [Step(Action.KEEP, "scorer", "ep2"), Step(Action.DELETE, "scorer", "ep1")],
            id="of two the one that fits stays, after a replacement that was cut",
        ),
        pytest.param(
            {"b": FIELDS, "a": FIELDS},
            [endpoint("c", "ep3")],
            [Step(Action.CREATE, "a"), Step(Action.CREATE, "b"), Step(Action.DELETE, "c", "ep3")],
            id="steps are in the order of the names",
        ),
    ],
)
def test_a_plan_has_the_step_of_every_resource(
    wanted: dict[str, dict[str, Any]], actual: list[Existing], steps: list[Step]
) -> None:
    assert list(make_plan(wanted, actual).steps) == steps


def test_what_is_as_it_is_wanted_is_kept() -> None:
    assert [step.action for step in make_plan({"scorer": FIELDS}, [endpoint()]).steps] == [Action.KEEP]


def test_a_plan_as_json_has_plain_words() -> None:
    plan = Plan((Step(Action.UPDATE, "scorer", "ep1", (Change("workers.max", 1, 3),)),))
    assert plan.to_json() == [
        {
            "action": "update",
            "name": "scorer",
            "endpoint_id": "ep1",
            "changes": [{"field": "workers.max", "before": 1, "after": 3}],
        }
    ]
