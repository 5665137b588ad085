"""The log of one worker as a stream of lines (server-sent events), opened again where it was cut.

The platform's event ids are opaque: the last one is sent back, never compared. They may repeat, so a line can come
twice; who reads lines removes what it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

from httpx_sse import EventSource, SSEError
from pydantic import ValidationError

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, AuthenticationError, NotFoundError, RateLimitedError
from flash_jupyter.transport.http import Clock, Http, Retry
from flash_jupyter.transport.loop import within
from flash_jupyter.wire.control import LogLine

#: a stream that brings nothing this many times in a row is given up: each is one of 60 requests a minute
FRUITLESS = 8
#: one that the platform closes by itself so often in a row, at once and without a line, is of a worker that has ended
CLOSED = 2
#: who closes a stream that was silent for longer may do so for its silence
AT_ONCE_S = 5.0
#: before what was closed is looked at again: a log may come a moment later than its worker's end
CLOSED_S = 1.0
#: of the lines that are there already, the first comes within seconds and the others at once
FIRST_LINE_S, NEXT_LINE_S = 3.0, 0.3
RECONNECT = Retry(first_s=0.2, factor=2.0, cap_s=10.0)


async def follow_log(
    http: Http,
    url: str,
    *,
    tail: int = limits.LOG_TAIL_MAX,
    since: str = "",
    clock: Clock | None = None,
    ended: Callable[[], None] = lambda: None,
) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of a worker's log, the last `tail` old ones first, until the worker is gone.

    With `since`, a time of the platform in RFC 3339, all old ones from then on come first instead (REST v2 document).
    Ends when the platform does not know the worker any more, when it closes the stream and has nothing new a moment
    later, or after `FRUITLESS` attempts that brought nothing. Calls `ended` whenever the platform has closed the stream
    by itself: then all lines so far are here.
    """
    clock = clock or http.clock
    last_id, fruitless, closed = "", 0, 0
    while fruitless < FRUITLESS and closed < CLOSED:
        pause_s = RECONNECT.pause_s(fruitless, clock.random())
        opened_at = clock.monotonic()
        try:
            async with contextlib.aclosing(_read_once(http, url, tail, last_id, since)) as events:
                async for event_id, line in events:
                    last_id, fruitless, closed = event_id or last_id, 0, 0
                    if line is not None:
                        yield line
            ended()
            is_at_once = clock.monotonic() - opened_at < AT_ONCE_S
            closed, pause_s = closed + 1 if is_at_once else 0, CLOSED_S
        except (NotFoundError, AuthenticationError):
            return
        except RateLimitedError as refused:
            pause_s = max(pause_s, refused.retry_after_s)
        except (ApiError, SSEError):
            pass  # cut, or busy: a pause, then again
        fruitless += 1
        if closed < CLOSED:
            await clock.sleep(pause_s)


async def last_lines(http: Http, url: str, *, tail: int) -> list[LogLine]:
    """Return the last `tail` lines of a worker's log as it is now; empty where the worker is gone.

    The stream does not say where the old lines end, so they have ended when it is silent for a while.
    """
    lines: list[LogLine] = []
    stream, patience_s = _read_once(http, url, tail, ""), FIRST_LINE_S
    with contextlib.suppress(asyncio.TimeoutError, StopAsyncIteration, NotFoundError):
        while len(lines) < tail:
            _, line = await within(anext(stream), patience_s)
            patience_s = NEXT_LINE_S
            if line is not None:
                lines.append(line)
    await stream.aclose()
    return lines


async def _read_once(
    http: Http, url: str, tail: int, last_id: str, since: str = ""
) -> AsyncGenerator[tuple[str, LogLine | None], None]:
    beginning: dict[str, Any] = {"since": since} if since else {"tail": tail}
    params = {} if last_id else beginning
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with http.stream(url, params=params, headers=headers) as response:
        async for event in EventSource(response).aiter_sse():
            yield event.id, read_line(event.data)


def read_line(data: str) -> LogLine | None:
    """Read one event's payload; None where it is not a log line.

    >>> read_line('{"source": "container", "line": "hello", "ts": "t"}').line
    'hello'
    >>> read_line("ping") is None
    True
    """
    try:
        return LogLine.model_validate_json(data)
    except ValidationError:
        return None
