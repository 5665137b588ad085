"""A worker as the published description of the stock image has it (flash-wire.md 4.3 to 4.6), in the parts that
matter to the driver: a new executor for every request, an empty namespace, output redirected for the whole process, the
function called on the event loop's own thread."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import io
import json
import os
import sys
import traceback
from typing import IO, Any

import cloudpickle


class Executor:
    """Made anew for every request, as the stock one is."""

    async def execute(self, request: dict[str, Any]) -> dict[str, Any]:
        namespace: dict[str, Any] = {}
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stdout):
            try:
                exec(request["function_code"], namespace)
                function = namespace[request["function_name"]]
                args = [cloudpickle.loads(base64.b64decode(arg)) for arg in request["args"]]
                result = await function(*args) if inspect.iscoroutinefunction(function) else function(*args)
            except Exception as error:
                return {"success": False, "error": f"{error}\n{traceback.format_exc()}", "stdout": stdout.getvalue()}
        packed = base64.b64encode(cloudpickle.dumps(result)).decode()
        return {"success": True, "result": packed, "error": None, "stdout": stdout.getvalue()}


async def handler(job: dict[str, Any]) -> dict[str, Any]:
    """What the stock image gives to `runpod.serverless.start`."""
    try:
        return await Executor().execute(job["input"])
    except Exception as error:
        return {"success": False, "error": f"Error in handler: {error}"}


def serve(requests: IO[str], responses: IO[str]) -> None:
    """One request a line, one response a line."""
    for line in requests:
        job = {"id": "job", "input": json.loads(line)}
        responses.write(json.dumps(asyncio.run(handler(job))) + "\n")
        responses.flush()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        with os.fdopen(3, "r") as requests, os.fdopen(4, "w") as responses:
            serve(requests, responses)
    else:
        import runpod  # in the environment of the foreign tests only

        runpod.serverless.start({"handler": handler})
