"""The two requests that every job has, its `/run` and its job-done, answered from the bytes that came in.

Of a short job most of the server's time went into the way from a connection to a handler and back (measured 2026-11-23:
uvicorn 45 µs of a request, ASGI and Starlette 25). Only what is accepted is answered here: a request that would be
refused, one that comes in pieces, and all while faults are set, go the long way, and nothing of them is done before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from flash_jupyter.emulator.auth import Lock
from flash_jupyter.emulator.jobs import accepted_document
from flash_jupyter.emulator.problems import refusal
from flash_jupyter.emulator.queue_api import QueueApi
from flash_jupyter.emulator.worker_api import WorkerApi
from flash_jupyter.emulator.world import World
from flash_jupyter.states import JobState

#: how all of them begin
BEGINNING = b"POST /v2/"
#: a longer request comes in pieces
LONGEST_BYTES = 1 << 16
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """The bytes of an answer; one that `waits` is written after those who were woken have had their turn."""

    message: bytes
    waits: bool = False


class Direct:
    """Answers whole requests; `seen` is told the path of each."""

    def __init__(
        self, world: World, lock: Lock, queue: QueueApi, workers: WorkerApi, seen: Callable[[str], None]
    ) -> None:
        self._world, self._lock, self._seen = world, lock, seen
        self._queue, self._workers = queue, workers

    def answer(self, data: bytes) -> Answer | None:
        """Return the answer to what came in; None where that has to go the long way."""
        if self._world.faults.active or not data.startswith(BEGINNING) or len(data) > LONGEST_BYTES:
            return None
        asked = _Asked.read(data)
        if asked is None or not self._lock.opens(asked.path, asked.authorization):
            return None
        try:
            answer = self._answer(asked)
        except Exception as error:  # a full disk: as Starlette has it, which logs it too
            _log.exception("Exception in %s", asked.path)
            return Answer(_message(bytes(refusal(asked.path, 500, str(error)).body), 500))
        if answer is not None:
            self._seen(asked.path)
        return answer

    def _answer(self, asked: _Asked) -> Answer | None:
        match asked.path.split("/"):
            case ["", "v2", endpoint_id, "run"]:
                return self._run(endpoint_id, asked)
            case ["", "v2", endpoint_id, "job-done", worker_id, job_id]:
                return self._done(endpoint_id, worker_id, job_id, asked)
        return None

    def _run(self, endpoint_id: str, asked: _Asked) -> Answer | None:
        job = self._queue.accept(endpoint_id, asked.body)
        if job is None:
            return None
        # the worker that gets the job goes first: it has the longer way
        return Answer(_message(accepted_document(job)), waits=job.state is not JobState.IN_QUEUE)

    def _done(self, endpoint_id: str, worker_id: str, job_id: str, asked: _Asked) -> Answer | None:
        said = self._workers.end_job(endpoint_id, worker_id, job_id, asked.query, asked.body)
        # who waits for the job or its log goes first, where the worker has nothing to do now
        return None if said is None else Answer(_message(said), waits=said == b"{}")


class _Asked:
    """A request as it is read; the parser calls the `on_...` methods."""

    def __init__(self) -> None:
        self.path = ""
        self.query = self.authorization = self.body = b""
        self._begun = self._ended = 0
        self._is_plain = True
        self._parser = HttpRequestParser(self)

    @classmethod
    def read(cls, data: bytes) -> _Asked | None:
        """Read one whole request that wants nothing special of its connection; None for any other."""
        asked = cls()
        try:
            asked._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            return None
        is_one = asked._begun == asked._ended == 1
        return asked if is_one and asked._is_plain else None

    def on_message_begin(self) -> None:
        """Count: what belongs to a second request is none of this one's."""
        self._begun += 1

    def on_url(self, url: bytes) -> None:
        """Split the target; one with an escape goes the long way."""
        path, _, self.query = url.partition(b"?")
        self._is_plain = self._is_plain and b"%" not in path
        self.path = path.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the key; with two of them the request is not plain."""
        lower = name.lower()
        if lower == b"authorization" and not self.authorization:
            self.authorization = value
        elif lower in (b"authorization", b"expect"):
            self._is_plain = False

    def on_headers_complete(self) -> None:
        """See what it wants of the connection."""
        stays = self._parser.get_http_version() == "1.1" and self._parser.should_keep_alive()
        self._is_plain = self._is_plain and stays

    def on_body(self, body: bytes) -> None:
        """Keep the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._ended += 1


def _message(body: bytes, status: int = 200) -> bytes:
    status_line = b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode())
    return b"%b\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n%b" % (status_line, len(body), body)
