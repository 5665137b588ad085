"""The eight classes: which endpoint each of them makes."""

from __future__ import annotations

import pytest

import flash_jupyter
from flash_jupyter.resources import classes
from flash_jupyter.resources.model import Resource

# class, type, live, image of a live one with GPU hardware or its default CPU
KINDS: list[tuple[type[Resource], str, bool, str]] = [
    (classes.LiveServerless, "QUEUE", True, "runpod/flash:py3.11-latest"),
    (classes.CpuLiveServerless, "QUEUE", True, "runpod/flash-cpu:py3.11-latest"),
    (classes.ServerlessEndpoint, "QUEUE", False, "me/mine:1"),
    (classes.CpuServerlessEndpoint, "QUEUE", False, "me/mine:1"),
    (classes.LiveLoadBalancer, "LOAD_BALANCER", True, "runpod/flash-lb:py3.11-latest"),
    (classes.CpuLiveLoadBalancer, "LOAD_BALANCER", True, "runpod/flash-lb-cpu:py3.11-latest"),
    (classes.LoadBalancerSlsResource, "LOAD_BALANCER", False, "me/mine:1"),
    (classes.CpuLoadBalancerSlsResource, "LOAD_BALANCER", False, "me/mine:1"),
]


def made(kind: type[Resource], **values: object) -> Resource:
    return kind(name="n", **({} if kind.is_live else {"imageName": "me/mine:1"}), **values)


@pytest.mark.parametrize(("kind", "type_", "live", "image"), KINDS, ids=[k[0].__name__ for k in KINDS])
def test_a_class_makes_its_kind_of_endpoint(kind: type[Resource], type_: str, live: bool, image: str) -> None:
    resource = made(kind)
    spec = resource.spec(owner="ann", python=(3, 11))
    assert (spec.name, spec.type, spec.image) == ("n", type_, image)
    assert (resource.is_live, resource.is_load_balanced) == (live, type_ == "LOAD_BALANCER")
    assert (spec.cpus, spec.gpus) == ((("cpu3g-2-8",), ()) if kind.is_cpu_class else ((), ("any",)))
    assert resource.label == f"{kind.__name__} n"


@pytest.mark.parametrize("kind", [k[0] for k in KINDS], ids=lambda kind: kind.__name__)
def test_all_are_public(kind: type[Resource]) -> None:
    assert getattr(flash_jupyter, kind.__name__) is kind
