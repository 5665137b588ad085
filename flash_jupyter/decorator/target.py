"""Where a decorated thing runs, and with which packages: what stands in `@remote(...)`, checked at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from flash_jupyter import limits
from flash_jupyter.capture.calls import find_member, namespace_of
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import EndpointSpec, endpoint_spec
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.calls import Arguments, CallRequest, Method
from flash_jupyter.session.interpreter import interpreter_of
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings


@dataclass(frozen=True)
class Target:
    """`resource` is one of the eight classes; None means the shared default endpoint."""

    resource: Any = None
    dependencies: tuple[str, ...] = ()
    system_dependencies: tuple[str, ...] = ()
    accelerate_downloads: bool = True
    local: bool = False
    #: the class whose instances live there
    holds: str = ""
    #: the last settings and variables, and the endpoint that they mean: those of the next call most often
    _found: list[tuple[Settings, Any, EndpointSpec]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def is_live(self) -> bool:
        """Whether code is sent; otherwise the endpoint's image has a handler of its own."""
        return self.resource is None or bool(self.resource.is_live)

    @property
    def unused_workers(self) -> int:
        """How many workers the user asked for, where instances live and there is only one; 0 where that is the same."""
        asked = self.resource.workers_max if self.resource is not None and self.resource.said("workers_max") else 1
        return int(asked) if self.holds and asked > 1 else 0

    def for_class(self, name: str) -> Target:
        """Return the same target as the home of a class: its endpoint has one worker from now on, for all."""
        if self._own_name:
            _single.add(self._own_name)
        return replace(self, holds=name)

    def spec(self, session: Session) -> EndpointSpec:
        """Return the endpoint that is meant, on the session's backend."""
        spec = self._known_spec(session.settings)
        return _with_one_worker(spec) if self.holds or spec.name in _single else spec

    def _known_spec(self, settings: Settings) -> EndpointSpec:
        variables = self.resource.variables if self.resource is not None else {}
        for asked, said, known in self._found:
            if asked is settings and said == variables:
                return known
        spec = self._find_spec(settings)
        self._found[:] = [(settings, variables, spec)]
        return spec

    def _find_spec(self, settings: Settings) -> EndpointSpec:
        interpreter, images = interpreter_of(settings.backend), Images(**settings.images)
        spec: EndpointSpec
        if self.resource is None:
            spec = endpoint_spec(make_options(), owner=settings.owner, interpreter=interpreter, images=images)
        else:
            spec = self.resource.spec(owner=settings.owner, interpreter=interpreter, images=images)
        if self.holds and not self._own_name:  # not the endpoint that cells share
            spec = replace(spec, name=f"{spec.name}-{self.holds.lower()}")
        return replace(spec, ttl_s=settings.ttl_s)

    def request(
        self,
        decorated: Any,
        wrapper: object,
        arguments: Arguments,
        label: str,
        parameters: tuple[str, ...],
        timeout_s: int | None,
        method: Method | None = None,
    ) -> CallRequest:
        """Describe a call of what is decorated; the fields are those of `CallRequest`."""
        return CallRequest(
            function=decorated,
            wrapper=wrapper,
            arguments=arguments,
            namespace=namespace_of(decorated),
            label=label,
            member=find_member(decorated, wrapper),
            parameters=parameters,
            deps=self.dependencies,
            apt=self.system_dependencies,
            accelerate=self.accelerate_downloads,
            timeout_s=timeout_s,
            method=method,
        )

    @property
    def _own_name(self) -> str:
        return (self.resource is not None and self.resource.name) or ""

    def describe(self) -> str:
        """Name the endpoint, for a repr."""
        return "the shared endpoint" if self.resource is None else str(self.resource.label)


#: names of endpoints of classes that were decorated here, so that a function which is called first makes them as such;
#: to other processes the endpoint's label tells it (`drift`)
_single: set[str] = set()


def _with_one_worker(spec: EndpointSpec) -> EndpointSpec:
    """An instance is in one worker: a second one would not know it; and it should not end while somebody thinks."""
    idle_s = spec.idle_s if "idle_s" in spec.said else limits.OUR_CLASS_IDLE_TIMEOUT_S
    said = spec.said | {"workers_min", "workers_max", "idle_s"}
    return replace(
        spec, workers_min=min(spec.workers_min, 1), workers_max=1, idle_s=idle_s, said=said, has_instances=True
    )


def check_options(timeout: float | None, retries: int) -> None:
    """Raise `OptionError` for what no call can have."""
    low, high = limits.EXECUTION_TIMEOUT_MIN_S, limits.EXECUTION_TIMEOUT_MAX_S
    if timeout is not None and not (_is_number(timeout) and low <= timeout <= high):
        raise OptionError(
            f"timeout={timeout!r} is out of range", fix=f"say seconds, from {low:g} to {high:g} (seven days)"
        )
    if not isinstance(retries, int) or retries < 0:
        raise OptionError(
            f"retries={retries!r} is no number of times", fix="say how often a lost worker may be replaced, e.g. 2"
        )


def check_concurrency(concurrency: int) -> None:
    """Raise `OptionError` for a number of calls at once with which none would ever start."""
    if not isinstance(concurrency, int) or concurrency < 1:
        raise OptionError(
            f"concurrency={concurrency!r} is no number of calls", fix="say how many may run at once, e.g. 10"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def requirements(name: str, value: Iterable[str] | None) -> tuple[str, ...]:
    """Read `dependencies=` or `system_dependencies=`, or raise `OptionError`.

    >>> requirements("dependencies", ["numpy>=2", "torch"])
    ('numpy>=2', 'torch')
    """
    if value is None:
        return ()
    if isinstance(value, str):
        raise OptionError(f"{name}={value!r} is one text", fix=f"write a list: {name}=[{value!r}]")
    found = tuple(value)
    wrong = next((each for each in found if not isinstance(each, str)), None)
    if wrong is not None:
        raise OptionError(f"{name}= holds {wrong!r}, which is no text", fix=f'write names: {name}=["numpy"]')
    return found


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters; none of a built-in that does not say."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
