"""The text that travels: the capsule's half and the driver, joined into one module, and the small entry that loads it.

The module is made once per worker process, from the entry's compressed copy of the text, and lives in `sys.modules`:
the stock worker executes an entry anew for every request, in an empty namespace (reference, 4.4). A worker that is
likely to have it gets an entry without the text, 30 kB less; where it has not, it answers `missing`, nothing ran, and
the second sending is complete.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import pickle
import zlib
from importlib import resources
from typing import Any

from flash_jupyter.capsule.container import write_capsule
from flash_jupyter.errors import ProtocolError

#: in the order in which one needs the other
SHIPPED = (
    ("capsule", "container.py"),
    ("capsule", "blame.py"),
    ("capsule", "changes.py"),
    ("capsule", "kinds.py"),
    ("capsule", "pickling.py"),
    ("capsule", "receiver.py"),
    ("worker", "output.py"),
    ("worker", "descriptors.py"),
    ("worker", "process.py"),
    ("worker", "ipython.py"),
    ("worker", "display.py"),
    ("worker", "shell.py"),
    ("worker", "modules.py"),
    ("worker", "install.py"),
    ("worker", "failures.py"),
    ("worker", "calls.py"),
    ("worker", "job.py"),
    ("worker", "driver.py"),
)
ENTRY = "flash_jupyter_run"
#: the entry: readable, but for the text itself
TEMPLATE = """\
import base64, pickle, sys, types, zlib

__flash_jupyter_keep__ = True
NAME = "_flash_jupyter_driver_{digest}"
TEXT = "{text}"
MISSING = base64.b64decode("{missing}")


def _driver():
    module = sys.modules.get(NAME)
    if module is None and TEXT:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        source = zlib.decompress(base64.b64decode(TEXT)).decode()
        exec(compile(source, NAME, "exec"), module.__dict__)
    return module


def _bytes(capsule):
    return capsule if isinstance(capsule, bytes) else pickle.loads(base64.b64decode(capsule))


async def {entry}(capsule):
    driver = _driver()
    return await driver.run_async(_bytes(capsule)) if driver else MISSING


def _blocking(capsule):
    driver = _driver()
    return driver.run(_bytes(capsule)) if driver else MISSING


def _ends_worker():
    driver = _driver()
    return bool(driver) and driver.ends_worker()


{entry}.blocking, {entry}.ends_worker = _blocking, _ends_worker
"""


@functools.cache
def driver_text() -> str:
    """All shipped modules as the text of one, without what they import from each other."""
    parts = [_without_our_imports(_read(folder, file)) for folder, file in SHIPPED]
    return "from __future__ import annotations\n" + "\n".join(parts)


@functools.cache
def function_code(*, with_driver: bool = True) -> str:
    """The source that a worker executes to get the entry, with the driver's text or without it."""
    text = driver_text().encode()
    packed = base64.b64encode(zlib.compress(text, 9)).decode() if with_driver else ""
    missing = base64.b64encode(write_capsule({"status": "missing"}, {})).decode()
    digest = hashlib.sha256(text).hexdigest()[:12]
    return TEMPLATE.format(digest=digest, text=packed, missing=missing, entry=ENTRY)


def request_bytes(capsule: bytes) -> int:
    """How large the body of a request with this capsule is at most: base64 makes 4 of 3."""
    return len(capsule) * 4 // 3 + len(function_code()) + 4096


def function_request(capsule: bytes, *, with_driver: bool = True) -> dict[str, Any]:
    """A `FunctionRequest` that runs a capsule; its argument is valid in both encodings of the protocol."""
    return {
        "function_name": ENTRY,
        "function_code": function_code(with_driver=with_driver),
        "args": [base64.b64encode(pickle.dumps(capsule, protocol=5)).decode()],
        "kwargs": {},
        "execution_type": "function",
        "serialization_format": "cloudpickle",
    }


def read_response(output: Any) -> bytes:
    """Take the answer's bytes out of a `FunctionResponse`, or raise `ProtocolError`."""
    if not isinstance(output, dict) or "success" not in output:
        raise ProtocolError(
            "the worker's answer is not a FunctionResponse", fix="is the endpoint's image one of runpod/flash*?"
        )
    if not output["success"]:
        raise ProtocolError(f"the worker could not run the cell: {output.get('error') or output.get('result')}")
    try:
        answer = pickle.loads(base64.b64decode(output["result"]))
    except Exception as error:  # a truncated or foreign pickle raises anything
        raise ProtocolError(f"the worker's answer can't be read: {error}") from error
    if not isinstance(answer, bytes):
        raise ProtocolError(f"the worker's answer is {type(answer).__name__}, not a capsule")
    return answer


def _read(folder: str, file: str) -> str:
    return (resources.files("flash_jupyter") / folder / file).read_text(encoding="utf-8")


def _without_our_imports(source: str) -> str:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(lines)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"flash_jupyter", "__future__"}
