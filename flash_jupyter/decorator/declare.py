"""`remote(...)`: what the user wrote, checked, and the remote thing that it makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, overload

from flash_jupyter.decorator.classes import RemoteClass
from flash_jupyter.decorator.functions import RemoteFunction
from flash_jupyter.decorator.nesting import watch_unloaded
from flash_jupyter.decorator.output import P, R
from flash_jupyter.decorator.routes import RemoteRoute, check_route
from flash_jupyter.decorator.target import Target, requirements
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.model import LoadBalancerResource, QueueResource


class Decorator(Protocol):
    """What `remote(...)` returns for a queue: the name of the function or class is remote from then on."""

    @overload
    def __call__(self, decorated: type[Any], /) -> RemoteClass: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, decorated: Callable[P, Coroutine[Any, Any, R]], /) -> RemoteFunction[P, R]: ...
    @overload
    def __call__(self, decorated: Callable[P, R], /) -> RemoteFunction[P, R]: ...


class RouteDecorator(Protocol):
    """The same for a load balanced endpoint, whose functions are routes."""

    @overload
    def __call__(self, decorated: Callable[P, Coroutine[Any, Any, R]], /) -> RemoteRoute[P, R]: ...
    @overload
    def __call__(self, decorated: Callable[P, R], /) -> RemoteRoute[P, R]: ...


@overload
def remote(resource_config: type[Any], /) -> RemoteClass: ...  # type: ignore[overload-overlap]
@overload
def remote(resource_config: Callable[P, Coroutine[Any, Any, R]], /) -> RemoteFunction[P, R]: ...
@overload
def remote(resource_config: Callable[P, R], /) -> RemoteFunction[P, R]: ...
@overload
def remote(
    resource_config: LoadBalancerResource,
    dependencies: Iterable[str] | None = None,
    system_dependencies: Iterable[str] | None = None,
    accelerate_downloads: bool = True,
    local: bool = False,
    *,
    method: str,
    path: str,
) -> RouteDecorator: ...
@overload
def remote(
    resource_config: QueueResource | None = None,
    dependencies: Iterable[str] | None = None,
    system_dependencies: Iterable[str] | None = None,
    accelerate_downloads: bool = True,
    local: bool = False,
) -> Decorator: ...
def remote(
    resource_config: Any = None,
    dependencies: Iterable[str] | None = None,
    system_dependencies: Iterable[str] | None = None,
    accelerate_downloads: bool = True,
    local: bool = False,
    method: str | None = None,
    path: str | None = None,
) -> Any:
    """Run a function or a class on Runpod.

        @remote(LiveServerless(name="trainer", gpus=[GpuGroup.AMPERE_80]), dependencies=["torch"])
        async def train(batch): ...

        job = await train(batch)        # job.output, job.error, job.status
        job = train.remote(batch)       # the same, synchronously
        jobs = train.map(batches)       # in order, with a progress bar
        handle = train.spawn(batch)     # returns at once: handle.status(), handle.result(), handle.cancel()
        value = train.local(batch)      # here

    The function may be sync or async, and sees what it sees here: globals, helpers, classes, imports, local modules.
    Arguments travel by value. Without a `resource_config` (also as bare `@remote`) calls share one endpoint with
    `%%remote` cells. `local=True` runs here. `method` and `path` are for load balanced endpoints, which need both;
    calls of these return plain values, `.map` a list of them, and there is no `.spawn`, as a request is no job.

    Raises `OptionError` for what can't work, when the function is decorated.
    """
    watch_unloaded()
    if inspect.isroutine(resource_config) or (isinstance(resource_config, type) and not _is_kind(resource_config)):
        return _decorate(resource_config, Target())
    target = target_of(
        resource_config,
        dependencies,
        system_dependencies,
        accelerate_downloads,
        local,
        is_route=bool(method or path),
    )
    if getattr(resource_config, "is_load_balanced", False):
        return lambda decorated: _decorate_route(decorated, target, method, path)
    return lambda decorated: _decorate(decorated, target)


def target_of(
    resource_config: Any = None,
    dependencies: Iterable[str] | None = None,
    system_dependencies: Iterable[str] | None = None,
    accelerate_downloads: bool = True,
    local: bool = False,
    *,
    is_route: bool = False,
) -> Target:
    """Check what stands in `@remote(...)` and return what it means; raises `OptionError`."""
    if _is_kind(resource_config):
        named = resource_config.__name__
        raise OptionError(f"resource_config is the class {named} itself", fix=f'make one: {named}(name="trainer")')
    if resource_config is not None and not hasattr(resource_config, "spec"):
        raise OptionError(
            f"resource_config is {type(resource_config).__name__}, which is no endpoint",
            fix='use one of the eight classes, e.g. LiveServerless(name="trainer")',
        )
    target = Target(
        resource_config,
        requirements("dependencies", dependencies),
        requirements("system_dependencies", system_dependencies),
        accelerate_downloads,
        local,
    )
    if is_route and not getattr(resource_config, "is_load_balanced", False):
        raise OptionError(
            f"method= and path= make a route, which {target.describe()} has not",
            fix="use a load balanced endpoint, e.g. LiveLoadBalancer, or leave them away",
        )
    return target


def _is_kind(given: Any) -> bool:
    """Whether it is one of the eight classes, and not an endpoint that one of them describes."""
    return isinstance(given, type) and hasattr(given, "is_live")


def _decorate(decorated: Callable[..., Any], target: Target) -> Any:
    if not callable(decorated):
        raise OptionError(
            f"@remote stands above {type(decorated).__name__}", fix="decorate a function or a class with it"
        )
    if isinstance(decorated, type):
        return RemoteClass(decorated, target)
    if inspect.isgeneratorfunction(decorated) or inspect.isasyncgenfunction(decorated):
        raise OptionError(
            f"{decorated.__name__} is a generator function, whose values can't come home one by one",
            fix="return them together, as in return list(...), or call a function for each with .map",
        )
    return RemoteFunction(decorated, target)


def _decorate_route(decorated: Callable[..., Any], target: Target, method: str | None, path: str | None) -> RemoteRoute:
    if isinstance(decorated, type) or not callable(decorated):
        raise OptionError(
            f"{target.describe()} has routes, and no place for {getattr(decorated, '__name__', decorated)!r}",
            fix="decorate a function, or use a queue endpoint, e.g. LiveServerless",
        )
    return RemoteRoute(decorated, target, *check_route(decorated, target, method, path))
