"""Where a decorated thing runs, and with which packages: what stands in `@remote(...)`, checked at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import EndpointSpec, endpoint_spec
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.session import Session, interpreter_of


@dataclass(frozen=True)
class Target:
    """`resource` is one of the eight classes; None means the shared default endpoint."""

    resource: Any = None
    dependencies: tuple[str, ...] = ()
    system_dependencies: tuple[str, ...] = ()
    accelerate_downloads: bool = True
    local: bool = False

    def spec(self, session: Session) -> EndpointSpec:
        """Return the endpoint that is meant, on the session's backend."""
        settings = session.settings
        interpreter, images = interpreter_of(settings.backend), Images(**settings.images)
        if self.resource is None:
            return endpoint_spec(make_options(), owner=settings.owner, interpreter=interpreter, images=images)
        spec: EndpointSpec = self.resource.spec(owner=settings.owner, interpreter=interpreter, images=images)
        return spec

    def describe(self) -> str:
        """Name the endpoint, for a repr."""
        return "the shared endpoint" if self.resource is None else str(self.resource.name)


def check_options(timeout: float | None, retries: int) -> None:
    """Raise `OptionError` for what no call can have."""
    low, high = limits.EXECUTION_TIMEOUT_MIN_S, limits.EXECUTION_TIMEOUT_MAX_S
    if timeout is not None and not low <= timeout <= high:
        raise OptionError(
            f"timeout={timeout} is out of range", fix=f"say seconds, from {low:g} to {high:g} (seven days)"
        )
    if retries < 0:
        raise OptionError(f"retries={retries} is negative", fix="say how often a lost worker may be replaced, e.g. 2")


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
