"""An answer that is none of what was asked for, or no answer at all, as an error of our own tree.

The key is taken out of every text that the platform sends back.
"""

from __future__ import annotations

import time

import httpx
from pydantic import ValidationError

from flash_jupyter.backend import Backend
from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    NotAllowedError,
    NotFoundError,
    OutOfMoneyError,
    RateLimitedError,
    UnreachableError,
)
from flash_jupyter.transport.rate import read_rate_limit, read_retry_after
from flash_jupyter.wire.control import Problem

#: what a status says of the account and its key, and what to do; `{key}` is where the key came from
_OF_THE_ACCOUNT: dict[int, tuple[type[ApiError], str, str]] = {
    401: (
        AuthenticationError,
        "the key from {key} was refused",
        "set a valid RUNPOD_API_KEY, or use backend=local, which needs none",
    ),
    402: (
        OutOfMoneyError,
        "the account's balance is too low",
        "add credit in the Runpod console, then run it again; backend=local costs nothing",
    ),
    403: (
        NotAllowedError,
        "the key from {key} may not do this",
        "use a key that may; where a GPU is refused, other hardware; or backend=local, which needs no key",
    ),
}


def refusal(backend: Backend, method: str, response: httpx.Response) -> ApiError:
    """Return the error that an answer of 300 and more stands for."""
    status, detail = response.status_code, _clean(backend, read_problem(response.content))
    if status in _OF_THE_ACCOUNT:
        kind, said, fix = _OF_THE_ACCOUNT[status]
        what = f"{status}: {said.format(key=backend.key_origin)}{f' ({detail})' if detail else ''}"
        return kind(what, status=status, detail=detail, fix=fix)
    what = f"{method} {response.request.url.path} answered {status}{f': {detail}' if detail else ''}"
    if status == 404:
        return NotFoundError(what, status=status, detail=detail)
    if status == 429:
        asked_s = read_retry_after(response.headers.get("Retry-After", ""), now=time.time())
        wait_s = asked_s or read_rate_limit(response.headers.get("RateLimit", ""))
        return RateLimitedError(what, retry_after_s=wait_s, detail=detail, fix=f"wait {wait_s:.0f} s, then run again")
    return ApiError(what, status=status, detail=detail, fix=_advice(status))


def unreachable(backend: Backend, url: str, failure: httpx.TransportError) -> UnreachableError:
    """Return the error of a request that got no answer."""
    where = httpx.URL(url)
    what = str(failure) or type(failure).__name__
    return UnreachableError(
        f"no answer from {where.host}{f':{where.port}' if where.port else ''}: {_clean(backend, what)}",
        detail=type(failure).__name__,
        fix="check the connection, then run the cell again",
    )


def nothing_was_sent(failure: UnreachableError) -> bool:
    """Whether there was not even a connection, so that the call had no effect and may be made again."""
    return failure.detail in {"ConnectError", "ConnectTimeout", "PoolTimeout"}


def may_have_worked(failure: ApiError) -> bool:
    """Whether a call that failed so may have had its effect: a server error, or an answer that was lost on its way."""
    if isinstance(failure, UnreachableError):
        return not nothing_was_sent(failure)
    return failure.status == 0 or failure.status >= 500


def read_problem(body: bytes) -> str:
    """Return what an error's body says, whichever plane it comes from.

    >>> read_problem(b'{"title": "Not Found", "status": 404, "detail": "pod not found"}')
    'pod not found'
    >>> read_problem(b'{"error": "job x not found"}'), read_problem(b"<html>")
    ('job x not found', '')
    """
    try:
        return Problem.model_validate_json(body).text
    except ValidationError:
        return ""


def _clean(backend: Backend, text: str) -> str:
    return text.replace(backend.api_key, "…") if backend.api_key else text


def _advice(status: int) -> str:
    if status >= 500:
        return "the platform has a problem; try again in a minute"
    return "run %flash status" if status in {409, 413} else "this is a mistake of flash_jupyter; please report it"
