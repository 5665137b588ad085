"""A GPU endpoint; put your model where the weights are. The published GPU images bring torch."""

from __future__ import annotations

from flash_jupyter import GpuGroup, LiveServerless, remote

config = LiveServerless(
    name="example-project-gpu",
    gpus=[GpuGroup.AMPERE_16, GpuGroup.AMPERE_24],
    workersMax=1,
    idleTimeout=60,
)

WEIGHTS = {"good": 1.0, "great": 2.0, "bad": -1.0, "awful": -2.0}


@remote(config, dependencies=[])
async def score(sentences: list[str]) -> list[float]:
    """Return how friendly each sentence is.

    >>> (await score(["A great day.", "The coffee was awful."])).result()
    [2.0, -2.0]
    """
    return [sum(WEIGHTS.get(word.strip(".,!?").lower(), 0.0) for word in text.split()) for text in sentences]
