"""Whether a worker of a bundle has imported its module: before a preview is shown, and before a deploy is believed."""

from __future__ import annotations

import asyncio
import json
import re

from flash_jupyter.errors import ApiError, BuildError
from flash_jupyter.session.links import Link
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint, RequestUrls

#: what no handler has: that this is said shows that the module was imported, and nothing of it runs
PROBE = {"execution_type": "function", "function_name": "preview: ready?", "serialization_format": "json"}
PROBE_PATH = "/preview-ready"
START_S = 300.0
_LOOK_S = 0.1
_DID_NOT_START = re.compile(r"worker lost: \d+ workers in a row did not start; worker \w+ (.*)", re.DOTALL)


async def wait_until_imported(link: Link, name: str, endpoint: Endpoint) -> None:
    """Wait until a worker has imported the module; `name` is the resource.

    Raises `BuildError` with the worker's last lines where none can.
    """
    ask = _ask_queue if endpoint.type == "QUEUE" else _ask_balancer
    try:
        said = await within(ask(link, endpoint), START_S)
    except asyncio.TimeoutError:
        raise BuildError(
            f"no worker of {name} was ready after {START_S:.0f} s", fix="look at its log: flash logs NAME"
        ) from None
    if match := _DID_NOT_START.match(said):
        raise BuildError(f"the workers of {name} do not start: one {match[1]}", fix=_fix(match[1]))


async def _ask_queue(link: Link, endpoint: Endpoint) -> str:
    queue = Queue(link.http, RequestUrls.model_validate(endpoint.request_urls))
    job = await queue.run(json.dumps({"input": PROBE}).encode())
    while not job.status.is_final:
        await asyncio.sleep(_LOOK_S)
        job = await queue.status(job.id)
    return job.error_text


async def _ask_balancer(link: Link, endpoint: Endpoint) -> str:
    try:
        await Balancer(link.http, endpoint.base_url, endpoint.name).request("GET", PROBE_PATH)
    except ApiError as answer:
        return answer.detail
    return ""


def _fix(said: str) -> str:
    """What to do; our own part of the bundle says it already."""
    if "→" in said:
        return ""
    unknown = re.search(r"Unable to find image '([^']+)'", said)
    if unknown:
        return f"look whether the engine gets the image: docker pull {unknown[1]}; without it: flash build --preview"
    missing = re.search(r"No module named '([\w.]+)'", said)
    if missing:
        return f"add the package of {missing[1]} to requirements.txt or deps=, then build again"
    return "mend what its last line says, then build again"
