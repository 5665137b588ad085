"""What has to be allowed before it is taken away, by who made it."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.deploy.consent import Consent, consent_for
from flash_jupyter.deploy.plan import Action, Plan, Step
from flash_jupyter.wire.control import Endpoint

OURS = {"FLASH_JUPYTER_OWNER": "ann", "FLASH_JUPYTER_RUN": "r1"}
BY_NAME = {"FLASH_APP": "shop", "FLASH_ENV": "live"}
SECOND = Step(Action.DELETE, "till", "ep2")
KEPT = Step(Action.KEEP, "till", "ep1")


def consent(*steps: Step, **env: dict[str, str]) -> Consent:
    before = {name: Endpoint(id=name, name="till", env=labels) for name, labels in env.items()}
    return consent_for(Plan(steps), {"till"}, before, "ann")


@pytest.mark.parametrize(
    ("labels", "second"),
    [
        pytest.param({"ep1": OURS, "ep2": OURS}, (), id="our own of a race goes unasked"),
        pytest.param({"ep1": OURS, "ep2": BY_NAME}, (SECOND,), id="a released client's is asked about"),
        pytest.param({"ep1": BY_NAME, "ep2": OURS}, (SECOND,), id="ours beside a released client's that stays"),
        pytest.param(
            {"ep1": OURS, "ep2": {**OURS, "FLASH_JUPYTER_OWNER": "bob"}}, (SECOND,), id="another owner's is asked about"
        ),
        pytest.param(
            {"ep1": OURS, "ep2": {"FLASH_JUPYTER_OWNER": "ann"}}, (SECOND,), id="one that no deploy made is asked about"
        ),
    ],
)
def test_a_second_endpoint_goes_unasked_only_where_our_deploys_made_all(
    labels: dict[str, Any], second: tuple[Step, ...]
) -> None:
    found = consent(KEPT, SECOND, **labels)
    assert (found.second, found.is_needed) == (second, bool(second))


def test_what_left_the_bundle_and_what_is_made_anew_is_asked_about_whoever_made_it() -> None:
    gone, anew = Step(Action.DELETE, "shop", "ep3"), Step(Action.REPLACE, "till", "ep1")
    found = consent(gone, anew, ep1=OURS, ep3=OURS)
    assert (found.left, found.second, found.replaced) == (("shop",), (), ("till",))


def test_a_plan_that_takes_nothing_away_asks_nobody() -> None:
    assert not consent(KEPT, Step(Action.CREATE, "shop"), ep1=BY_NAME).is_needed


def test_who_says_no_reads_which_endpoint_would_have_gone() -> None:
    assert str(consent(KEPT, SECOND, ep1=OURS, ep2=BY_NAME).refused()) == (
        "more than one endpoint serves till, not all made by your deploys, and removing ep2 was not allowed\n"
        "  → ask who uses it, then allow it, or delete the one that nobody uses"
    )
