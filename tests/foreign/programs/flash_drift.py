"""The same function with another configuration; run as `python flash_drift.py JSON`, the keywords of the resource.

Prints one JSON line: what the endpoint's worker sees of its environment, and its id.
"""

from __future__ import annotations

import asyncio
import json
import sys

from runpod_flash import GpuGroup, LiveServerless, remote

resource = LiveServerless(name="drifting", gpus=[GpuGroup.ADA_24], **json.loads(sys.argv[1]))


@remote(resource_config=resource)
async def look():
    import os

    return [os.environ.get("COLOUR"), os.environ["RUNPOD_ENDPOINT_ID"]]


if __name__ == "__main__":
    print(json.dumps(["seen", asyncio.run(look())]))
