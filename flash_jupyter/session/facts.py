"""What is told of a job beside its output: where it goes and for how much, and what it took."""

from __future__ import annotations

from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.hardware import ANY
from flash_jupyter.session.cost import Rate, job_cost_usd
from flash_jupyter.session.events import Measured, Sent
from flash_jupyter.settings import BackendName
from flash_jupyter.wire.jobs import Job


def sent_to(spec: EndpointSpec, rate: Rate, backend: BackendName, job_id: str) -> Sent:
    """Say where a job goes now."""
    return Sent(backend, spec.name, hardware_of(spec), rate.charged_usd_per_hour, job_id)


def measured(job: Job, rate: Rate | None) -> Measured:
    """Say what a job took, which is final; without a rate its price is not known."""
    price = rate.charged_usd_per_hour if rate else None
    return Measured(job.worker_id, job.delay_ms, job.execution_ms, job_cost_usd(price, job.execution_ms))


def hardware_of(spec: EndpointSpec) -> str:
    """Name the hardware that was asked for; empty where any will do.

    >>> hardware_of(EndpointSpec("e", None, "me", gpus=("AMPERE_80", "ADA_24"), gpu_count=2))
    '2 x AMPERE_80 or ADA_24'
    """
    names = spec.cpus or tuple(gpu.removeprefix("NVIDIA ") for gpu in spec.gpus if gpu != ANY)
    count = f"{spec.gpu_count} x " if names and spec.gpu_count > 1 else ""
    return count + " or ".join(names)
