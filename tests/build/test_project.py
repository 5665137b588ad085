"""Which exports share an endpoint, and what those are called that nobody named."""

from __future__ import annotations

import pytest
from projects import export

from flash_jupyter.build.project import Group, configuration, group
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.classes import CpuLiveServerless, LiveLoadBalancer, LiveServerless


def told(groups: tuple[Group, ...]) -> dict[str, list[str]]:
    return {each.name: [export.function.name for export in each.exports] for each in groups}


def test_equal_configurations_share_a_resource_however_they_are_spelt() -> None:
    one = LiveServerless(name="gpu", gpus=["AMPERE_80"], workersMax=3)
    same = LiveServerless(name="gpu", gpus="AMPERE_80", workers_max=3)
    other = LiveServerless(name="small", gpus=["ADA_24"])
    groups = group([export("a", "m", one), export("b", "m", other), export("c", "n", same)], "shop")
    assert told(groups) == {"gpu": ["a", "c"], "small": ["b"]}


def test_what_is_said_and_what_is_the_default_are_equal() -> None:
    said = LiveServerless(name="gpu", workersMin=0)
    groups = group([export("a", "m", LiveServerless(name="gpu")), export("b", "m", said)], "shop")
    assert told(groups) == {"gpu": ["a", "b"]}


def test_unnamed_ones_are_called_after_the_project_and_their_hardware() -> None:
    exports = [
        export("a", "m", LiveServerless()),
        export("b", "m", LiveServerless(gpus=["AMPERE_80", "ADA_80_PRO"])),
        export("c", "m", CpuLiveServerless()),
        export("d", "m", LiveServerless()),
    ]
    assert told(group(exports, "My Scores")) == {
        "my-scores-any": ["a", "d"],
        "my-scores-ampere-80-ada-80-pro": ["b"],
        "my-scores-cpu3g-2-8": ["c"],
    }


def test_unnamed_ones_of_the_same_hardware_that_differ_are_told_apart_and_always_the_same_way() -> None:
    exports = [export("a", "m", LiveServerless()), export("b", "m", LiveServerless(workersMax=9))]
    first, second = (list(told(group(exports, "shop"))) for _ in range(2))
    assert first == second
    assert first[0] == "shop-any"
    assert first[1].startswith("shop-any-")


def test_a_name_that_somebody_gave_is_not_taken() -> None:
    exports = [export("a", "m", LiveServerless()), export("b", "m", LiveServerless(name="shop-any", workersMax=1))]
    names = list(told(group(exports, "shop")))
    assert names[1] == "shop-any"
    assert names[0] != "shop-any"


def test_the_name_is_in_the_resource() -> None:
    (made,) = group([export("a", "m", LiveServerless(env={"A": "1"}))], "shop")
    assert made.resource.name == made.name == "shop-any"
    assert configuration(made.resource) == {"name": "shop-any", "env": {"A": "1"}}


def test_two_configurations_of_one_name_are_an_error_that_says_where_they_differ() -> None:
    exports = [
        export("a", "m", LiveServerless(name="gpu"), where="cell 2 of scores.ipynb"),
        export("b", "m", LiveServerless(name="gpu", workersMax=9), where="cell 5 of scores.ipynb"),
    ]
    with pytest.raises(BuildError) as raised:
        group(exports, "scores")
    assert str(raised.value) == (
        "two resources are called gpu: cell 2 of scores.ipynb and cell 5 of scores.ipynb; they differ in workersMax=\n"
        "  → describe both the same way, or give one another name="
    )


def test_a_queue_and_a_load_balancer_do_not_share_a_name() -> None:
    exports = [
        export("a", "m", LiveServerless(name="gpu"), where="a.py"),
        export("b", "m", LiveLoadBalancer(name="gpu"), where="b.py"),
    ]
    with pytest.raises(BuildError, match="they differ in one is a LiveServerless, one a LiveLoadBalancer, scalerType="):
        group(exports, "scores")
