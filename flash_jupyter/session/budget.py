"""What a kernel may spend: checked for every job before anything is made. Where nothing is charged, nothing is limited.

`per_hour` counts all workers that an endpoint may have, with those of other endpoints that have an open job. `total`
counts what the meter shows, and what open jobs may cost until their timeouts: no job is sent that could bring the sum
above it. What a worker takes to start, and how long it waits after the last job, comes on top.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from flash_jupyter import limits
from flash_jupyter.errors import CostLimitError
from flash_jupyter.quantities import show_usd
from flash_jupyter.resources.hardware import POOLS
from flash_jupyter.session.cost import Rate
from flash_jupyter.session.meter import Meter
from flash_jupyter.transport.loop import within

T = TypeVar("T")
#: before a job is refused, so many jobs that nobody follows are looked at, for so many seconds together
LOOKS, LOOK_WITHIN_S = 100, 5.0
#: how many pools a message names
SHOWN = 3


@dataclass(frozen=True)
class Caps:
    """US dollars, for all workers an hour and for one kernel in all; None is no limit."""

    per_hour: float | None = None
    total: float | None = None


class Budget:
    """Limits and meter of one kernel; used on the loop thread."""

    def __init__(self, caps: Caps | None = None, *, meter: Meter | None = None) -> None:
        self.caps = caps or Caps()
        self.meter = meter or Meter()
        self._has_said = False
        self._looking: asyncio.Future[bool] | None = None

    async def admitting(self, step: Callable[[], Awaitable[T]]) -> T:
        """Return what a step gives that asks `admit`.

        Where that refuses, it is looked once where the jobs are that nobody follows: what has ended counts no longer
        with its whole timeout, and the step is taken again.
        """
        try:
            return await step()
        except CostLimitError:
            if self._looking is None or self._looking.done():  # one look for all that are refused together
                self._looking = asyncio.ensure_future(self._look())
            if not await asyncio.shield(self._looking):
                raise
        return await step()

    async def _look(self) -> bool:
        """Look at open jobs that nobody follows; returns whether one of them has ended."""
        unseen = dict(islice(self.meter.unseen().items(), LOOKS))
        with contextlib.suppress(asyncio.TimeoutError):
            looks = asyncio.gather(*(look() for look in unseen.values()), return_exceptions=True)
            await within(looks, LOOK_WITHIN_S)
        return bool(unseen.keys() - self.meter.unseen().keys())

    def admit(self, job_id: str, what: str, rate: Rate, *, timeout_s: float | None, key_origin: str) -> str:
        """Let a job be sent, and note it; returns what is to be said at the first use of what is charged, or nothing.

        Raises `CostLimitError`. `what` names the cell or function.
        """
        longest_s = timeout_s or rate.timeout_s
        if rate.is_charged:
            self._check_hour(rate)
            self._check_total(rate, longest_s)
        self.meter.sent(job_id, what, rate, longest_s)
        if not rate.is_charged or self._has_said:
            return ""
        self._has_said = True
        return first_use(rate, key_origin)

    def _check_hour(self, rate: Rate) -> None:
        limit = self.caps.per_hour
        if limit is None:
            return
        price = _price(rate, "max_cost_per_hour", limit)
        others = sum(r.most_usd_per_hour or 0.0 for name, r in self.meter.busy().items() if name != rate.endpoint)
        cost = price * rate.workers_max + others
        if cost <= limit:
            return
        besides = f", and {show_usd(others)} for other endpoints that work" if others else ""
        raise CostLimitError(
            f"{rate.endpoint} may cost {show_usd(price * rate.workers_max)} an hour"
            f" ({_workers(rate.workers_max)} at {show_usd(price)}{besides});"
            f" max_cost_per_hour is {show_usd(limit)}; nothing was sent",
            limit_usd=limit,
            cost_usd=cost,
            fix=f"{'' if rate.is_standing else _cheaper(rate, price, limit - others)}raise max_cost_per_hour",
        )

    def _check_total(self, rate: Rate, longest_s: float) -> None:
        limit = self.caps.total
        if limit is None:
            return
        price = _price(rate, "max_cost", limit)
        spent, reserved = self.meter.spent_usd(), self.meter.may_still_cost_usd()
        cost, left = longest_s * price / 3600, limit - spent - reserved
        if cost <= left:
            return
        open_jobs = f", open jobs may cost {show_usd(reserved)}" if reserved else ""
        fits_s = int(left / price * 3600)
        shorter = f"{_shorter(rate, fits_s)}, or " if fits_s >= limits.EXECUTION_TIMEOUT_MIN_S else ""
        raise CostLimitError(
            f"this may cost {show_usd(cost)} ({longest_s:.0f} s at {show_usd(price)} an hour); {show_usd(spent)} of"
            f" max_cost={show_usd(limit)} are spent{open_jobs}; nothing was sent",
            limit_usd=limit,
            cost_usd=cost,
            fix=f"{shorter}raise max_cost",
        )


def first_use(rate: Rate, key_origin: str) -> str:
    """Say that it costs money from now on, whose, and how much.

    >>> first_use(Rate("t", 2.736, 3, 60, 600), "apikey in .env")
    'Runpod charges from here on (key: apikey in .env): a worker of t costs at most $2.74 an hour, up to 3 workers'
    """
    costs = (
        "has no documented price"
        if rate.usd_per_hour is None
        else f"costs at most {show_usd(rate.usd_per_hour)} an hour"
    )
    worker = f"a worker of {rate.endpoint} {costs}, {_workers(rate.workers_max)}"
    return f"Runpod charges from here on (key: {key_origin}): {worker}"


def _price(rate: Rate, name: str, limit: float) -> float:
    if rate.usd_per_hour is None:
        raise CostLimitError(
            f"what {rate.endpoint} costs is not known, so {name}={show_usd(limit)} can't be kept; nothing was sent",
            limit_usd=limit,
            cost_usd=None,
            fix=f"{'' if rate.is_standing else 'choose gpu= with a price, or '}take {name} away",
        )
    return rate.usd_per_hour


def _shorter(rate: Rate, fits_s: int) -> str:
    """Say how a job may run for a shorter time only."""
    return f"deploy it with executionTimeoutMs={fits_s * 1000}" if rate.is_standing else f"set timeout={fits_s} or less"


def _workers(count: int) -> str:
    return f"up to {count} workers" if count != 1 else "1 worker"


def _cheaper(rate: Rate, price: float, limit: float) -> str:
    """Say what would fit: fewer workers of the same kind, or the best GPUs that do."""
    fewer = int(limit / price) if price else 0
    ways = [f"set workers={fewer}"] if 0 < fewer < rate.workers_max else []
    each = limit / (rate.workers_max * rate.gpu_count) if rate.gpu_count else 0.0
    fits = [pool.id for pool in POOLS.values() if pool.usd_per_s is not None and pool.usd_per_s * 3600 <= each]
    if fits:
        ways.append(f"choose gpu={','.join(fits[-SHOWN:])}")
    return "".join(f"{way}, or " for way in ways)
