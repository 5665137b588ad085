"""A worker in deployed mode as the published description of the stock image has it (flash-wire.md 4.9).

    python stock_deployed.py ARTIFACT FOLDER < requests > responses

Unpack, put the folder in front of the import path, then for each request, one a line and without code: the manifest's
registry, the function's entry, its module, the call.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import inspect
import json
import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

import cloudpickle


def serve(artifact: Path, folder: Path) -> None:
    with tarfile.open(artifact, "r:gz") as archive:
        for member in archive.getmembers():
            assert (folder / member.name).resolve().is_relative_to(folder.resolve())
        archive.extractall(folder)
    sys.path.insert(0, str(folder))
    manifest = json.loads((folder / "flash_manifest.json").read_text())
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = call(manifest, request)
            said = {"success": True, "result": base64.b64encode(cloudpickle.dumps(result)).decode()}
        except Exception as error:
            said = {
                "success": False,
                "error": f"Failed to execute Flash function '{request['function_name']}': {error}",
            }
        print("answer " + json.dumps(said), flush=True)


def call(manifest: dict[str, Any], request: dict[str, Any]) -> Any:
    name = request["function_name"]
    resource = manifest["resources"][manifest["function_registry"][name]]
    (entry,) = [each for each in resource["functions"] if each["name"] == name]
    function = getattr(importlib.import_module(entry["module"]), name)
    args = [pickle.loads(base64.b64decode(value)) for value in request.get("args", ())]
    kwargs = {key: pickle.loads(base64.b64decode(value)) for key, value in request.get("kwargs", {}).items()}
    value = function(*args, **kwargs)
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:
    return await value


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
