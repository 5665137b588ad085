"""REST v2 control plane: endpoints, workers, log lines, templates, volumes, bills, problems (`openapi-v2.json`, spec
2.0.0).

Only what we read is named; what else the platform sends is kept out of the way, not refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flash_jupyter.states import WorkerState


class Wire(BaseModel):
    """Base of all models of answers: camelCase aliases, unknown fields ignored, frozen."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class RequestUrls(Wire):
    """Where a queue endpoint takes requests; `status`, `stream`, `cancel` hold `{job_id}`."""

    run: str
    status: str
    cancel: str
    health: str
    run_sync: str | None = Field(default=None, alias="runSync")
    stream: str | None = None
    purge_queue: str | None = Field(default=None, alias="purgeQueue")


class Endpoint(Wire):
    """`Endpoint` of REST v2; what has parts stays as sent, so that a PATCH can compare and restate it."""

    id: str
    name: str
    type: str = "QUEUE"
    created_at: str = Field(default="", alias="createdAt")
    image: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    gpu: dict[str, Any] | None = None
    cpu: list[dict[str, Any]] | None = None
    workers: dict[str, Any] = Field(default_factory=dict)
    scaling: dict[str, Any] = Field(default_factory=dict)
    data_centers: list[str] = Field(default_factory=list, alias="dataCenterIds")
    network_volumes: list[str] = Field(default_factory=list, alias="networkVolumes")
    flashboot: str = "OFF"
    disk: int | None = None
    args: str | None = None
    ports: list[str] | None = None
    registry: str | None = None
    timeout: int = 0
    request_urls: dict[str, Any] | None = Field(default=None, alias="requestUrls")

    @property
    def base_url(self) -> str:
        """The URL below which it is asked, from its own request URLs; empty where it has none."""
        urls = self.request_urls or {}
        return str(urls.get("base") or urls.get("runSync", "").removesuffix("/runsync"))


class EndpointList(Wire):
    """`ListEndpointsResponse`."""

    endpoints: tuple[Endpoint, ...]


class Worker(Wire):
    """`Worker` of REST v2; what is null until it is placed is None."""

    id: str
    status: WorkerState
    is_stale: bool = Field(default=False, alias="isStale")
    gpu_type: str | None = Field(default=None, alias="gpuTypeId")
    data_center: str | None = Field(default=None, alias="dataCenterId")
    uptime_s: int | None = Field(default=None, alias="uptimeSeconds")


class WorkerList(Wire):
    """`ListEndpointWorkersResponse`."""

    workers: tuple[Worker, ...]


class Rollout(Wire):
    """Whether all workers run the newest version of their endpoint's configuration."""

    in_progress: bool = Field(default=False, alias="inProgress")


class ReleaseList(Wire):
    """`ListEndpointReleasesResponse`."""

    rollout: Rollout = Rollout()


class LogLine(Wire):
    """One line of a worker's log: `source` is `container` or `system`, `ts` the platform's timestamp."""

    line: str
    source: str = "container"
    ts: str = ""


class Problem(Wire):
    """`ErrorResponse` of REST v2 (RFC 9457), the data plane's `{"error": ...}`, and GraphQL's `errors`."""

    title: str = ""
    detail: str = ""
    error: str = ""
    errors: tuple[str, ...] = ()

    @field_validator("errors", mode="before")
    @classmethod
    def _read_messages(cls, value: Any) -> Any:
        """GraphQL's errors are objects with a `message`."""
        if not isinstance(value, list):
            return value
        return [str(item.get("message", "")) if isinstance(item, dict) else item for item in value]

    @property
    def text(self) -> str:
        """The most specific words there are."""
        return "; ".join(filter(None, [self.detail or self.error or self.title, *self.errors]))


class Template(Wire):
    """A container's settings under a name; `disk` in GB. Names are not unique."""

    id: str
    name: str
    image: str = ""
    args: str = ""
    disk: int | None = None
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    ports: tuple[str, ...] = ()
    registry: str | None = None
    serverless: bool = False


class TemplateList(Wire):
    """`ListTemplatesResponse`."""

    templates: tuple[Template, ...]


class Volume(Wire):
    """A network volume; `size_gb` is what is paid for, whatever is stored. Names are not unique."""

    id: str
    name: str
    size_gb: int = Field(alias="size")
    data_center: str = Field(alias="dataCenter")
    type: str = "STANDARD"


class VolumeList(Wire):
    """`ListNetworkVolumesResponse`."""

    volumes: tuple[Volume, ...] = Field(alias="networkVolumes")


class BillingRecord(Wire):
    """One endpoint in one span of time, the end not included; `total` in US dollars."""

    total: float = Field(default=0.0, alias="totalAmount")
    endpoint_id: str = Field(alias="serverlessId")
    start: datetime = Field(alias="startTime")
    end: datetime = Field(alias="endTime")


class Billing(Wire):
    """`ListServerlessBillingResponse`."""

    records: tuple[BillingRecord, ...]
