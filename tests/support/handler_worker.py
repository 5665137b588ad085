"""The program of an image with a handler of its own, in the plainest form that speaks the worker protocol.

It returns its input, and fails where that has `fail` (plain text) or `raise` (the JSON of the released SDK).
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any


def answer_to(job_input: dict[str, Any]) -> dict[str, Any]:
    if "fail" in job_input:
        return {"error": job_input["fail"]}
    if "raise" in job_input:
        return {"error": json.dumps({"error_type": "<class 'KeyError'>", "error_message": job_input["raise"]})}
    return {"output": {"got": job_input}}


def call(url: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(
        url, body, {"Authorization": os.environ["RUNPOD_AI_API_KEY"], "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=90) as response:
        content: bytes = response.read()
        return content


def main() -> None:
    worker = os.environ["RUNPOD_POD_ID"]
    take = os.environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", worker)
    done = os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker)
    while True:
        body = call(f"{take}&job_in_progress=0")
        if body:
            job = json.loads(body)
            call(f"{done.replace('$ID', job['id'])}&isStream=false", json.dumps(answer_to(job["input"])).encode())


if __name__ == "__main__":
    main()
