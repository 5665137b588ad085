"""A CPU endpoint: two vCPUs, nothing to pay while it is idle."""

from __future__ import annotations

import re

from flash_jupyter import CpuInstanceType, CpuLiveServerless, remote

config = CpuLiveServerless(
    name="example-project-cpu",
    instanceIds=[CpuInstanceType.CPU3G_2_8],
    workersMax=2,
    idleTimeout=60,
)


@remote(config)
async def split(text: str) -> list[str]:
    """Return the sentences of a text.

    >>> (await split("A great day. The coffee was awful.")).result()
    ['A great day.', 'The coffee was awful.']
    """
    return [sentence for part in re.split(r"(?<=[.!?])\s+", text) if (sentence := part.strip())]
