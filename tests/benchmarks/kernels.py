"""A real ipykernel of a user who has nothing running yet."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from flash_jupyter.session.local import stop_local
from flash_jupyter.settings import read_settings

CELL_TIMEOUT_S = 300.0


class Kernel:
    """A kernel that gives back values whose repr is a literal."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str, expression: str = "None") -> Any:
        """Execute, then evaluate `expression`; raises `RuntimeError` with the kernel's traceback."""
        reply = self._client.execute_interactive(
            code,
            store_history=False,
            user_expressions={"value": expression},
            output_hook=lambda _message: None,
            timeout=CELL_TIMEOUT_S,
        )["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply.get("traceback", [])) or reply["evalue"])
        return ast.literal_eval(reply["user_expressions"]["value"]["data"]["text/plain"])

    def prints(self, code: str) -> Iterator[str]:
        """Execute, and yield what comes on stdout, the moment it comes."""
        message_id = self._client.execute(code, store_history=False)
        while True:
            message = self._client.get_iopub_msg(timeout=CELL_TIMEOUT_S)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            content = message["content"]
            if message["msg_type"] == "stream" and content["name"] == "stdout":
                yield content["text"]
            elif message["msg_type"] == "error":
                raise RuntimeError(content["evalue"])
            elif content.get("execution_state") == "idle":
                return


@contextmanager
def kernel_in(home: Path) -> Iterator[Kernel]:
    """Start a kernel of a user who has nothing running yet; end it and the embedded Runpod."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RUNPOD_")}
    environ |= {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local", "IPYTHONDIR": str(home / "ipython")}
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(home), env=environ)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        stop_local(read_settings(environ))
