"""What was printed, afterwards or from outside: a job's full output, or the last lines of an endpoint's workers."""

from __future__ import annotations

import asyncio
import codecs
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError, OptionError
from flash_jupyter.session.events import Display, EventAssembler, Stream, read_fragment
from flash_jupyter.session.links import Link
from flash_jupyter.session.records import JobRecord
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.logs import follow_log, last_lines
from flash_jupyter.transport.loop import LoopThread
from flash_jupyter.wire.control import LogLine, Worker

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

LINES = 100


@dataclass(frozen=True)
class Log:
    """One log: of what, what it says, and the file where all of it is, empty where there is none."""

    title: str
    text: str
    path: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


def logs(session: Session, name: str, *, lines: int = LINES) -> list[Log]:
    """Return the output of the job that `name` means, or the last lines of each worker of the endpoint.

    A job is known by its id or the beginning of it. Raises `OptionError` where there is neither, and `ApiError`.
    """
    job = _find_job(session, name)
    if job is not None:
        return [job_log(job, session.settings.home)]
    link = session.links.open(session.settings.backend)
    return session.loop.call(_endpoint_logs(link, name, lines))


def job_log(job: JobRecord, home: Path) -> Log:
    """Return all that a job has printed so far; of more than a notebook keeps only the end."""
    path = Path(job.events_log) if job.events_log else home / "logs" / f"{job.id}.log"
    title = f"job {job.id} · {job.state.value}" + (f" · {job.name}" if job.name else "")
    text = "".join(iter(FileTail(path).read, ""))
    error = f"{job.error}\n" if job.error else ""
    if not text and not error:
        return Log(title, "it has printed nothing\n" if job.state.is_final else "it has printed nothing yet\n")
    return Log(title, text + error, str(path) if text else "")


class LogReader:
    """Turns a worker's log into text: its own lines, and what jobs printed, which travels there as marked pieces."""

    def __init__(self) -> None:
        self._assemblers: defaultdict[str, EventAssembler] = defaultdict(EventAssembler)
        self._at_start = True

    def read(self, line: LogLine) -> str:
        """Return the text that a line brings; often none, where an event comes in several."""
        fragment = read_fragment(line.line)
        if fragment is None:
            return self._said(f"{line.line}\n" if self._at_start else f"\n{line.line}\n")
        pieces = []
        for event in self._assemblers[fragment.run].feed(fragment):
            if isinstance(event, Stream):
                pieces.append(event.text)
            elif isinstance(event, Display):
                pieces.append(f"{event.data.get('text/plain', '')}\n")
        return self._said("".join(pieces))

    def _said(self, text: str) -> str:
        self._at_start = text.endswith("\n") if text else self._at_start
        return text


def readable(lines: Iterable[LogLine]) -> str:
    r"""Turn some lines of a worker's log into text.

    >>> readable([LogLine(line="ready"), LogLine(line='@FJ1:0123456789abcdef:0:1/1:{"t":"stdout","text":"hi\\n"}')])
    'ready\nhi\n'
    """
    reader = LogReader()
    return "".join(map(reader.read, lines))


def _find_job(session: Session, name: str) -> JobRecord | None:
    """Find a job by its id; an endpoint may have any name, so the beginning of another id than ours is no job's."""
    if name.startswith("fj-"):
        return session.job(name)
    return next((job for job in session.jobs() if job.platform_id == name), None)


async def _endpoint_logs(link: Link, name: str, lines: int) -> list[Log]:
    endpoints = await link.control.endpoints()
    chosen = [endpoint for endpoint in endpoints if name in (endpoint.name, endpoint.id)]
    if not chosen:
        known = ", ".join(sorted({endpoint.name for endpoint in endpoints})) or "there are no endpoints"
        raise OptionError(f"there is no endpoint and no job {name}", fix=f"choose one of: {known}; or see %flash jobs")
    found: list[Log] = []
    for endpoint in chosen:
        workers = await link.control.workers(endpoint.id)
        found += await asyncio.gather(*(_worker_log(link, endpoint.id, worker, lines) for worker in workers))
        if not workers:
            found.append(Log(endpoint.name, "it has no worker now, so there is no log; of a job: %flash logs JOB\n"))
    return found


async def _worker_log(link: Link, endpoint_id: str, worker: Worker, lines: int) -> Log:
    url = link.control.logs_url(endpoint_id, worker.id)
    text = readable(await last_lines(link.http, url, tail=min(lines, limits.LOG_TAIL_MAX)))
    return Log(f"worker {worker.id} · {worker.status.value}", text or "it has said nothing yet\n")


#: between two looks at the list of workers, in seconds: each is a call of the control plane
WORKERS_S = 15.0
#: looks in a row that brought no answer, after which the backend counts as gone
FRUITLESS_LOOKS = 4
#: pieces that wait for a slow reader; then the workers' streams are read no further
WAITING_PIECES = 1_000
#: read from a job's file at once
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Piece:
    """Some text of a log; `worker_id` is empty for a job's own."""

    text: str
    worker_id: str = ""


class FileTail:
    """A text file that grows, read in pieces; of what is there at first only the last `tail_bytes`."""

    def __init__(self, path: Path, *, tail_bytes: int = limits.SAVED_OUTPUT_BYTES) -> None:
        self._path, self._tail_bytes = path, tail_bytes
        self._at: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> str:
        """Return what has come since, a quarter of a megabyte at most; empty where nothing has, or there is no file."""
        try:
            file = self._path.open("rb")
        except OSError:
            return ""
        with file:
            left_out = 0
            if self._at is None:
                self._at = left_out = max(0, self._path.stat().st_size - self._tail_bytes)
            file.seek(self._at)
            data = file.read(PIECE_BYTES)
            self._at += len(data)
        text = self._decoder.decode(data)
        return f"… {left_out:,} bytes before this are only in {self._path}\n{text}" if left_out else text


async def follow_endpoint(
    link: Link, endpoint_id: str, *, tail: int, look_s: float = WORKERS_S
) -> AsyncGenerator[Piece, None]:
    """Yield what the workers of an endpoint say, the last `tail` lines of each first, until the endpoint is gone.

    Raises `ApiError` where the backend does not answer any more.
    """
    pieces: asyncio.Queue[Piece | None] = asyncio.Queue(WAITING_PIECES)
    watching = asyncio.ensure_future(_watch_workers(link, endpoint_id, tail, look_s, pieces))
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        await watching  # it says why it ended
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch_workers(
    link: Link, endpoint_id: str, tail: int, look_s: float, pieces: asyncio.Queue[Piece | None]
) -> None:
    """Follow each worker that is listed, once, until the endpoint is gone."""
    followers: dict[str, asyncio.Task[None]] = {}
    fruitless = 0
    try:
        while True:
            try:
                listed = await link.control.workers(endpoint_id, retry=ONCE)
                fruitless = 0
            except NotFoundError:
                return
            except ApiError:
                fruitless += 1
                if fruitless == FRUITLESS_LOOKS:
                    raise
                listed = ()
            for worker in listed:
                if worker.id not in followers:
                    follower = asyncio.ensure_future(_follow_worker(link, endpoint_id, worker.id, tail, pieces))
                    followers[worker.id] = follower
            await _pause(followers.values(), look_s)
    finally:
        for follower in followers.values():
            follower.cancel()
        await asyncio.gather(*followers.values(), return_exceptions=True)
        _end(pieces)


async def _pause(followers: Iterable[asyncio.Task[None]], seconds: float) -> None:
    """Wait until a worker is gone, for then the endpoint may be too; so many seconds at most."""
    following = [follower for follower in followers if not follower.done()]
    if following:
        await asyncio.wait(following, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(seconds)


async def _follow_worker(
    link: Link, endpoint_id: str, worker_id: str, tail: int, pieces: asyncio.Queue[Piece | None]
) -> None:
    reader = LogReader()
    url = link.control.logs_url(endpoint_id, worker_id)
    async with aclosing(follow_log(link.http, url, tail=tail)) as lines:
        async for line in lines:
            if text := reader.read(line):
                await pieces.put(Piece(text, worker_id))


def _end(pieces: asyncio.Queue[Piece | None]) -> None:
    """Say that nothing more comes; a reader that is far behind loses the last piece for it."""
    if pieces.full():
        pieces.get_nowait()
    pieces.put_nowait(None)


async def across(loop: LoopThread, stream: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield on the running loop what a stream yields on the loop thread; closing this one closes that one."""
    here, pieces = asyncio.get_running_loop(), asyncio.Queue[Piece](1)

    async def pump() -> None:
        try:
            async for piece in stream:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(pieces.put(piece), here))
        finally:
            await stream.aclose()

    ended = asyncio.wrap_future(loop.submit(pump()))
    coming = asyncio.ensure_future(pieces.get())
    try:
        while not ended.done() or coming.done() or not pieces.empty():
            waited: set[asyncio.Future[Any]] = {coming} if ended.done() else {coming, ended}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                yield coming.result()
                coming = asyncio.ensure_future(pieces.get())
        ended.result()
    finally:
        coming.cancel()
        ended.cancel()
