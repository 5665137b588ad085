"""Waiting for what runs on another loop: the session's own (`LoopThread`), or one for a single awaitable."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable
from typing import TypeVar

from flash_jupyter.transport.loop import LoopThread as LoopThread

T = TypeVar("T")


def run_aside(awaitable: Awaitable[T]) -> T:
    """Wait for something awaitable on a loop and a thread of its own: in a notebook this thread's loop is busy."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()

    async def wait() -> T:
        return await awaitable

    def work() -> None:
        try:
            outcome.set_result(asyncio.run(wait()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return outcome.result()
