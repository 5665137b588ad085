"""Serve an embedded Runpod: `python -m flash_jupyter.emulator --dir FOLDER`.

The port and the key are remembered in the store, so that workers and clients of a server which was killed find the next
one. When it listens it writes `info.json` (mode 600) into the folder: url, api_key, pid, version, started_at.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import uvicorn

from flash_jupyter._version import __version__
from flash_jupyter.emulator.app import Emulator, create_app
from flash_jupyter.emulator.config import Config, PlatformLimits
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.pool import SystemPool
from flash_jupyter.emulator.protocol import Protocol
from flash_jupyter.emulator.store import Store, StoreBroken, StoreInUse
from flash_jupyter.errors import EmulatorError

try:  # a fifth less of the server's time for a short job (measured 2026-11-22); not everywhere
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment,unused-ignore]

HOST = "127.0.0.1"
INFO_FILE = "info.json"
IDLE_CHECK_S = 1.0
SHUTDOWN_S = 1


class Server(uvicorn.Server):  # type: ignore[misc]  # uvicorn is not followed by mypy
    """uvicorn, told to let go of long polls before it waits for open requests, and to end when nobody is there."""

    def __init__(self, config: uvicorn.Config, emulator: Emulator) -> None:
        super().__init__(config)
        self._emulator = emulator
        emulator.world.drop_connection = self._drop_connection

    def _drop_connection(self, client: tuple[str, int]) -> None:
        for connection in list(self.server_state.connections):
            if connection.client == client:
                connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT; uvicorn's own version raises the signal again, before our `finally` blocks."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Release who waits, then shut down."""
        self._emulator.dispatcher.release()
        await super().shutdown(sockets)

    async def serve_until_idle(self, listener: socket.socket) -> None:
        """Serve until a signal comes, or nobody has used the server for the idle time."""
        watcher = asyncio.create_task(self._end_when_idle())
        await self.serve(sockets=[listener])
        watcher.cancel()

    async def _end_when_idle(self) -> None:
        while not self._emulator.is_idle:
            await asyncio.sleep(IDLE_CHECK_S)
        self.should_exit = True


def main(argv: Sequence[str] | None = None) -> None:
    """Run the server; a failure to start is one line on stderr and exit code 1."""
    arguments = _parser().parse_args(argv)
    try:
        serve(arguments)
    except EmulatorError as error:
        sys.exit(f"EmulatorError: {error}")


def serve(arguments: argparse.Namespace) -> None:
    """Serve one folder; raises `EmulatorError` when another server has it, or the port is taken."""
    folder = Path(arguments.dir).resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = _config(arguments, folder)
    try:
        store = Store(folder, inline_bytes=config.limits.inline_bytes)
    except StoreInUse:
        raise EmulatorError(f"another embedded Runpod runs in {folder}", fix="stop it: flash local stop") from None
    except StoreBroken as error:
        raise EmulatorError(
            f"the embedded Runpod's store can't be used: {error}", fix="move it away; its endpoints and jobs are lost"
        ) from None
    try:
        listener = _listen(store, arguments.port)
        _run(config, store, listener)
    finally:
        store.close()


def _run(config: Config, store: Store, listener: socket.socket) -> None:
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    api_key = store.meta("api_key") or secrets.token_urlsafe(32)
    store.set_meta("api_key", api_key)
    app = create_app(config, store, SystemPool(config), api_key=api_key, base_url=url)
    settings = uvicorn.Config(
        app,
        http=partial(Protocol, direct=app.state.direct.answer),
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=600,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it while a job waits
    server = Server(settings, app.state.emulator)
    info = config.folder / INFO_FILE
    _write_info(info, url, api_key)
    try:
        (uvloop or asyncio).run(server.serve_until_idle(listener))
    finally:
        info.unlink(missing_ok=True)


def _listen(store: Store, port: int | None) -> socket.socket:
    """Bind the asked-for port, else the remembered one, else any; remember it."""
    remembered = int(store.meta("port") or 0)
    try:
        listener = _bind(remembered if port is None else port)
    except OSError as error:
        if port is not None:
            raise EmulatorError(
                f"port {port} can't be used: {error.strerror}", fix="choose another with --port, or none"
            ) from None
        listener = _bind(0)
    store.set_meta("port", str(listener.getsockname()[1]))
    return listener


def _bind(port: int) -> socket.socket:
    # the protocol is given: without it asyncio does not set TCP_NODELAY, and every answer takes 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def _write_info(path: Path, url: str, api_key: str) -> None:
    """Write atomically, readable by the owner only; requests wait in the socket until the server takes them."""
    created = psutil.Process().create_time()
    info = {
        "url": url,
        "api_key": api_key,
        "pid": os.getpid(),
        "created": created,
        "version": __version__,
        "started_at": show_time(time.time()),
    }
    partial = path.with_suffix(".part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(info, file)
    partial.replace(path)


def _config(arguments: argparse.Namespace, folder: Path) -> Config:
    limits = PlatformLimits()
    if arguments.control_rate is not None:
        limits = replace(limits, control_per_minute=arguments.control_rate)
    memory_mb = arguments.worker_memory_mb
    return Config(
        folder=folder,
        overlays=Path(arguments.overlays or folder / "overlays").resolve(),
        version=__version__,
        environ=dict(os.environ),
        idle_s=arguments.idle_s,
        worker_memory_bytes=None if memory_mb is None else memory_mb << 20,
        limits=limits,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flash_jupyter.emulator", description="An embedded Runpod.")
    parser.add_argument("--dir", required=True, help="folder of the store")
    parser.add_argument("--port", type=int, help="default: the one of last time, else a free one")
    parser.add_argument("--overlays", help="folder of installed dependencies (default: in --dir)")
    parser.add_argument("--idle-s", type=float, default=Config.idle_s, help="end after so long without use, seconds")
    parser.add_argument("--worker-memory-mb", type=int, help="what a worker may use (default: its hardware's)")
    parser.add_argument("--control-rate", type=int, help="control plane requests a minute (default: the platform's)")
    return parser


if __name__ == "__main__":
    main()
