"""What was printed, afterwards or from outside: a job's full output, or the last lines of an endpoint's workers."""

from __future__ import annotations

import asyncio
import codecs
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.session.events import Display, EventAssembler, Stream, read_fragment
from flash_jupyter.session.links import Link
from flash_jupyter.session.records import JobRecord
from flash_jupyter.transport.logs import last_lines
from flash_jupyter.wire.control import LogLine, Worker

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

LINES = 100
#: read from a job's file at once
PIECE_BYTES = 256 * 1024


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
    return next((job for job in session.jobs(of_scratch=True) if job.platform_id == name), None)


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
