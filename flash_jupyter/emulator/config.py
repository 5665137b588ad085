"""What an embedded Runpod is made with; a test makes one with other numbers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flash_jupyter import limits


@dataclass(frozen=True)
class PlatformLimits:
    """The platform's limits, as one value; every field has its source in `flash_jupyter.limits`."""

    run_bytes: int = limits.RUN_PAYLOAD_BYTES
    runsync_bytes: int = limits.RUNSYNC_PAYLOAD_BYTES
    result_bytes: int = limits.RESULT_BYTES
    stream_chunk_bytes: int = limits.STREAM_CHUNK_BYTES
    inline_bytes: int = limits.INLINE_BODY_BYTES
    run_retention_s: float = limits.RUN_RETENTION_S
    runsync_retention_s: float = limits.RUNSYNC_RETENTION_S
    execution_timeout_min_s: float = limits.EXECUTION_TIMEOUT_MIN_S
    job_ttl_min_s: float = limits.JOB_TTL_MIN_S
    runsync_wait_min_s: float = limits.RUNSYNC_WAIT_MIN_S
    control_per_minute: int = limits.CONTROL_RATE_PER_MINUTE
    control_per_hour: int = limits.CONTROL_RATE_PER_HOUR
    control_per_day: int = limits.CONTROL_RATE_PER_DAY
    rate_per_10_s: Mapping[str, int] = field(default_factory=lambda: dict(limits.RATE_PER_10_S))
    concurrent_requests: Mapping[str, int] = field(default_factory=lambda: dict(limits.CONCURRENT_REQUESTS))
    take_hold_s: float = limits.TAKE_HOLD_S
    balancer_bytes: int = limits.BALANCER_PAYLOAD_BYTES
    balancer_wait_s: float = limits.BALANCER_WAIT_S
    balancer_strict_wait_s: float = limits.BALANCER_STRICT_WAIT_S
    balancer_processing_s: float = limits.BALANCER_PROCESSING_S
    balancer_unhealthy_s: float = limits.BALANCER_UNHEALTHY_S
    health_check_s: float = limits.HEALTH_CHECK_INTERVAL_S


#: how long a stopped job's process may live on: the worker's own grace time, and one second to end
KILL_AFTER_CANCEL_S = limits.CANCEL_GRACE_S + 1.0
#: a worker uses at most this part of the machine's memory, whatever hardware was asked for
MACHINE_MEMORY_SHARE = 0.85
#: workers that end before their first poll, one after the other, until the queued jobs are failed
FAILED_STARTS_MAX = 3


@dataclass(frozen=True)
class Config:
    """Folders and policies of one embedded Runpod. `environ` is what its workers inherit from."""

    folder: Path
    overlays: Path
    version: str
    environ: Mapping[str, str] = field(repr=False)
    python: str = sys.executable
    idle_s: float = limits.EMULATOR_IDLE_S
    worker_memory_bytes: int | None = None
    kill_after_cancel_s: float = KILL_AFTER_CANCEL_S
    cancel_grace_s: float = limits.CANCEL_GRACE_S
    limits: PlatformLimits = field(default_factory=PlatformLimits)
