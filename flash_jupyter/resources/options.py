"""What a user may say about where and how a cell runs: `%%remote gpu=... deps=...`, typed and closed.

`resources/line.py` owns the text (splitting, quotes, types); this file owns names, ranges and meaning.
"""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.hardware import find_cpu, find_gpu
from flash_jupyter.resources.images import read_python
from flash_jupyter.resources.places import find_data_center

Names = tuple[str, ...]

#: the platform does not say what a name may look like; this is what fits into a shell word and a URL
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

#: options with few values
CHOICES = {"via": ("queue", "lb"), "backend": ("local", "runpod")}


class RemoteOptions(BaseModel):
    """Everything that `%%remote` takes; a field's default means that the user did not say it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpu: Names = Field(default=(), description="GPU pools or types, tried in this order; none means any")
    cpu: Names = Field(default=(), description="CPU instances such as cpu3c-2-4")
    count: Annotated[int, Field(ge=1, le=8, description="GPUs a worker")] = 1
    deps: Names = Field(default=(), description="pip requirements")
    apt: Names = Field(default=(), description="system packages")
    name: str | None = Field(
        default=None, description="the endpoint's name; by default made from hardware, Python and owner"
    )
    image: str | None = Field(default=None, description="another container image")
    python: str | None = Field(default=None, description="another Python minor version")
    volume: str | None = Field(default=None, description="network volume, NAME[:GB] or id:...")
    datacenter: str | None = Field(default=None, description="where workers run, and where the volume is")
    env: dict[str, str] = Field(default_factory=dict, description="the cell's environment variables; never stored")
    workers: tuple[int, int] | None = Field(default=None, description="least and most workers; 0-3 for a new endpoint")
    idle: Annotated[int, Field(ge=limits.IDLE_TIMEOUT_MIN_S, le=limits.IDLE_TIMEOUT_MAX_S)] | None = Field(
        default=None, description="seconds until an idle worker ends; 60 for a new endpoint"
    )
    ttl: Annotated[int, Field(ge=limits.TTL_MIN_S, le=limits.TTL_MAX_S)] | None = Field(
        default=None, description="seconds after which a new endpoint without a job is an orphan; a day when not said"
    )
    timeout: (
        Annotated[int, Field(ge=int(limits.EXECUTION_TIMEOUT_MIN_S), le=int(limits.EXECUTION_TIMEOUT_MAX_S))] | None
    ) = Field(default=None, description="seconds that the cell may run; 600 when not said")
    out: Names | None = Field(default=None, description="return only these names")
    drop: Names = Field(default=(), description="never send these names")
    include: Names = Field(default=(), description="send these names too")
    via: Literal["queue", "lb"] = "queue"
    backend: Literal["local", "runpod"] | None = None
    job: str | None = Field(default=None, description="bind the JobOutput to this name")
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    detach: bool = Field(default=False, description="return at once")
    dry: bool = Field(default=False, description="pre-flight only, nothing is sent")
    local: bool = Field(default=False, description="run here, without a worker")
    once: bool = Field(default=False, description="undeploy when the cell ends")
    expression: bool = Field(default=False, description="`%remote EXPR`: the cell is one expression")

    @field_validator("gpu")
    @classmethod
    def _know_gpus(cls, value: Names) -> Names:
        return tuple(find_gpu(text) for text in value)

    @field_validator("cpu")
    @classmethod
    def _know_cpus(cls, value: Names) -> Names:
        return tuple(find_cpu(text).id for text in value)

    @field_validator("datacenter")
    @classmethod
    def _know_data_center(cls, value: str | None) -> str | None:
        return value and find_data_center(value)

    @field_validator("python")
    @classmethod
    def _know_python(cls, value: str | None) -> str | None:
        if value is not None:
            read_python(value)
        return value

    @model_validator(mode="after")
    def _check_together(self) -> RemoteOptions:
        if self.gpu and self.cpu:
            raise OptionError("gpu= and cpu= exclude each other", fix="keep one of the two")
        if self.workers and not 0 <= self.workers[0] <= self.workers[1]:
            low, high = self.workers
            raise OptionError(
                f"workers={low}-{high} is not a range",
                fix="write the smaller number first, as in workers=0-3",
            )
        if self.workers and self.workers[1] == 0:
            raise OptionError(
                "workers=0 lets no worker run the cell",
                fix=f"write workers=1 or more; 0-{limits.OUR_WORKERS_MAX} is what a new endpoint has",
            )
        self._check_ways()
        if self.name is not None and not NAME_PATTERN.fullmatch(self.name):
            raise OptionError(f"name={self.name} can't name an endpoint", fix="use letters, digits, - _ and .")
        if self.job is not None and not self.job.isidentifier():
            raise OptionError(f"job={self.job} is not a Python name", fix="give the name of a variable, as in job=run1")
        return self

    def _check_ways(self) -> None:
        """Refuse ways to run that can't be meant together."""
        ways = [way for way in ("detach", "dry", "local") if getattr(self, way)]
        if len(ways) > 1:
            raise OptionError(f"{' and '.join(ways)} exclude each other", fix=f"keep {' or '.join(ways)}")
        if self.detach and self.once:
            raise OptionError("detach and once exclude each other", fix="keep one: nobody would be there to undeploy")
        if self.via == "lb" and (self.detach or self.retries):
            raise OptionError(
                f"via=lb has no queue, which {'detach' if self.detach else 'retries='} needs", fix="leave via=lb away"
            )


def make_options(**values: Any) -> RemoteOptions:
    """Build the options from typed values; every failure is an `OptionError`, never pydantic's own.

    >>> make_options(gpu=("4090",)).gpu
    ('NVIDIA GeForce RTX 4090',)
    """
    for name in values:
        if name not in RemoteOptions.model_fields:
            raise _no_such_option(name)
    try:
        return RemoteOptions(**values)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "options"
        if name in CHOICES:
            raise _unknown_choice(name, str(first["input"])) from None
        raise OptionError(
            f"{name}={first['input']} does not fit: {first['msg'].lower()}",
            fix=f"see %%remote? for what {name}= takes",
        ) from None


def _unknown_choice(name: str, text: str) -> OptionError:
    near = difflib.get_close_matches(text.lower(), CHOICES[name], n=1, cutoff=0.5)
    fix = f"did you mean {name}={near[0]}?" if near else f"use {name}={f' or {name}='.join(CHOICES[name])}"
    return OptionError(f"{name}={text} does not exist", fix=fix, suggestion=near[0] if near else None)


def _no_such_option(name: str) -> OptionError:
    near = difflib.get_close_matches(name, public_options(), n=1, cutoff=0.5)
    fix = f"did you mean {near[0]}=?" if near else f"use one of {', '.join(public_options())}"
    return OptionError(f"there is no option {name}=", fix=fix, suggestion=near[0] if near else None)


def public_options() -> list[str]:
    """Names of all options that a user may write, in the order of the model."""
    return [name for name in RemoteOptions.model_fields if name != "expression"]
