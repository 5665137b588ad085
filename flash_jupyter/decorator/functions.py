"""What `@remote` makes of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flash_jupyter.capsule.kinds import make_nested
from flash_jupyter.decorator.calling import RemoteCallable, Tell, is_worker
from flash_jupyter.decorator.output import P, R
from flash_jupyter.decorator.raising import bound, check_arguments, no_attribute
from flash_jupyter.decorator.target import Target, check_options, parameters_of
from flash_jupyter.session.calling import start_call, start_payload
from flash_jupyter.session.calls import Arguments
from flash_jupyter.session.default import default_session
from flash_jupyter.session.started import StartedCall


@dataclass(frozen=True)
class CallOptions:
    """What may differ from call to call: `timeout` in seconds, `retries` of a lost worker."""

    timeout: int | None = None
    retries: int = 0


class RemoteFunction(RemoteCallable[P, R]):
    """A function that runs on Runpod: `await f(x)`, `f.remote(x)`, `f.spawn(x)`, `f.map(xs)`, and `f.local(x)` here."""

    def __init__(self, function: Callable[..., Any], target: Target, options: CallOptions = CallOptions()) -> None:
        self._function, self._target, self._options = function, target, options
        self._origin: RemoteFunction[P, R] = self
        self.label = getattr(function, "__name__", "function")
        functools.update_wrapper(self, function, updated=())

    def options(self, *, timeout: int | None = None, retries: int = 0) -> RemoteFunction[P, R]:
        """Return the same function with these options: `await f.options(timeout=60)(x)`.

        `timeout`: seconds that the call may run (`JobTimedOut`). `retries`: how often it is sent again when its worker
        was lost; what the code raises is never tried again.
        """
        check_options(timeout, retries)
        changed = replace(self._options, timeout=timeout, retries=retries)
        other: RemoteFunction[P, R] = RemoteFunction(self._function, self._target, changed)
        other._origin = self._origin
        return other

    def local(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Call the function here, as if it were not decorated."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<remote function {self.label} on {self._target.describe()}>"

    def __reduce__(self) -> Any:
        return make_nested, (self._function,)

    def __get__(self, instance: object, _owner: type | None = None) -> Any:
        """Refuse to become a method: its instance would travel with every call."""
        if instance is None:
            return self
        raise no_attribute(
            self.label,
            f"{self.label} is a remote function and can't be a method; decorate the class, or a function beside it",
        )

    @functools.cached_property
    def _parameters(self) -> tuple[str, ...]:
        return parameters_of(self._function)

    def _runs_here(self) -> bool:
        return self._target.local or is_worker()

    def _begin(self, arguments: Arguments, tell: Tell) -> StartedCall:
        if self._target.is_live:
            check_arguments(self.label, self._function, arguments)
        session = default_session()
        spec, options = self._target.spec(session), self._options
        if self._target.is_live:
            request = self._target.request(
                self._function, self._origin, arguments, self.label, self._parameters, options.timeout
            )
            return start_call(session, spec, request, retries=options.retries, tell=tell)
        return start_payload(
            session,
            spec,
            self.label,
            bound(self.label, inspect.signature(self._function), arguments),
            timeout_s=options.timeout,
            retries=options.retries,
            tell=tell,
        )
