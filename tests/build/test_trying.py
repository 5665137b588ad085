"""The kernel of a smoke test, before the first cell of the user's runs; what its examples say of the bundle."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import cloudpickle
import pytest

from flash_jupyter import CpuLiveServerless, remote
from flash_jupyter.build.asking import Served
from flash_jupyter.build.manifest import Function, Resource
from flash_jupyter.build.rehearsal import NAME, Rehearsal
from flash_jupyter.build.scratch import Scratch
from flash_jupyter.build.trying import Trying, try_examples
from flash_jupyter.settings import read_settings

#: a docstring, and what it says of `double`, whose bundle doubles what it is given, and raises for a text
EXAMPLES = [
    ("a value", ">>> (await double(2)).output\n4", "double: verified, its docstring's example"),
    ("an assert", ">>> assert (await double(2)).output == 4", "double: verified, its docstring's example"),
    (
        "what nobody looks at raised",
        ">>> answer = await double('x')\n>>> answer.status\n'FAILED'",
        "double: not verified, its docstring's example, every request to it raised ValueError: no number",
    ),
    (
        "one of two was answered",
        ">>> (await double('x')).status, (await double(2)).output\n('FAILED', 4)",
        "double: verified, its docstring's example",
    ),
    (
        "nothing is compared",
        ">>> answer = await double(2)",
        "double: not verified, its docstring's example, it says no value that should come",
    ),
    (
        "another value",
        ">>> (await double(2)).output\n5",
        "double: differs, its docstring's example, expected 5, got 4, in `(await double(2)).output`",
    ),
]


class Bundle(BaseHTTPRequestHandler):
    """A worker of `double`, as it answers callers of Python."""

    def do_POST(self) -> None:
        """Answer a request at once."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        (sent,) = (cloudpickle.loads(base64.b64decode(each)) for each in asked["args"])
        if isinstance(sent, str):
            output = {"success": False, "error": "no number", "traceback": "Traceback:\nValueError: no number"}
        else:
            output = {"success": True, "result": base64.b64encode(cloudpickle.dumps(2 * sent)).decode()}
        body = json.dumps({"id": "j1", "status": "COMPLETED", "output": output}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bundle)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v2/e1"
    server.shutdown()
    thread.join()
    server.server_close()


class Here:
    """The kernel of the scratch copy, in this process."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._names = {NAME: rehearsal}

    def value(self, expression: str) -> Any:
        """Return what the kernel's side says."""
        return eval(expression, self._names)


@pytest.mark.parametrize(("doc", "said"), [c[1:] for c in EXAMPLES], ids=[c[0] for c in EXAMPLES])
def test_an_example_verifies_what_answered_and_was_compared(tmp_path: Path, url: str, doc: str, said: str) -> None:
    @remote(CpuLiveServerless(name="numbers"))
    async def double(x: int) -> int:
        return 2 * x

    function = Function(name="double", module="numbers_of_ours", doc=doc)
    served = Served("numbers", "e1", url, Resource(resource_type="CpuLiveServerless", functions=[function]))
    kept = {**vars(served), "resource": served.resource.model_dump(mode="json")}
    (tmp_path / "order.json").write_text(json.dumps({"served": [kept], "key": "k", "own": ["double"]}))
    rehearsal = Rehearsal({"double": double}, str(tmp_path / "order.json"))
    assert [*map(str, try_examples(cast("Scratch", Here(rehearsal)), function))] == [said]


@pytest.mark.journey
@pytest.mark.parametrize("files", [None, {"runpod_flash.py": b"1 / 0\n"}], ids=["a notebook", "plain modules"])
def test_the_released_client_is_never_imported_in_a_scratch_copy(
    tmp_path: Path, files: dict[str, bytes] | None
) -> None:
    (tmp_path / "runpod_flash.py").write_text("1 / 0\n")
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")})
    trying = Trying(tmp_path, (), settings, "key", print, threading.Event())
    with trying.kernel("n.ipynb", [], namespace="get_ipython().user_ns", files=files) as scratch:
        assert scratch.run("import runpod_flash\nfrom runpod_flash import remote\nimport os") is None
        assert scratch.value("runpod_flash.__name__, 'runpod_flash.py' in os.listdir()") == ("flash_jupyter", True)
