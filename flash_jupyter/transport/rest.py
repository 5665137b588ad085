"""One REST v2 call: path, query, body, and the answer as a model; with a deadline over all attempts.

The control plane allows 60 requests a minute, so a refused one is worth waiting for until its minute is over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from flash_jupyter.errors import ApiError, UnreachableError
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.loop import within
from flash_jupyter.wire.control import Wire

Answer = TypeVar("Answer", bound=Wire)

#: the longest window that a 429 is waited for is the minute's; then one more attempt
CONTROL_RETRY = Retry(deadline_s=65.0)
#: over all attempts, however slowly bytes come
DEADLINE_S = 100.0


class Rest:
    """REST v2 of one backend."""

    def __init__(self, http: Http, *, deadline_s: float = DEADLINE_S) -> None:
        self._http, self._deadline_s = http, deadline_s

    def url(self, *segments: str) -> str:
        """Return the address of a resource."""
        return f"{self._http.backend.api_url}{encode_path(*segments)}"

    async def get(
        self,
        model: type[Answer],
        *segments: str,
        query: Mapping[str, Any] | None = None,
        retry: Retry = CONTROL_RETRY,
    ) -> Answer:
        """Read; lists in `query` are joined with commas, and what is None is left out."""
        return read_answer(model, await self._call("GET", self.url(*segments) + encode_query(query or {}), retry=retry))

    async def create(self, model: type[Answer], *segments: str, body: Mapping[str, Any]) -> Answer:
        """Make one; never repeated after a doubtful end, as a lost answer may hide a made one."""
        return read_answer(model, await self._call("POST", self.url(*segments), body, idempotent=False))

    async def patch(self, model: type[Answer], *segments: str, body: Mapping[str, Any]) -> Answer:
        """Change the given fields; the same change twice is the same, so it may be repeated."""
        return read_answer(model, await self._call("PATCH", self.url(*segments), body))

    async def delete(self, *segments: str) -> None:
        """Delete, or raise `NotFoundError`."""
        await self._call("DELETE", self.url(*segments))

    async def _call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        *,
        idempotent: bool = True,
        retry: Retry = CONTROL_RETRY,
    ) -> bytes:
        content = None if body is None else json.dumps(body).encode()
        call = self._http.call(method, url, content=content, idempotent=idempotent, retry=retry)
        try:
            return await within(call, self._deadline_s)
        except asyncio.TimeoutError:
            raise UnreachableError(
                f"{method} {url.partition('?')[0]} took longer than {self._deadline_s:g} s",
                detail="Deadline",
                fix="check the connection, then run the cell again",
            ) from None


def encode_path(*segments: str) -> str:
    """Return the path of a resource; what stands between slashes is quoted.

    >>> encode_path("serverless", "a/b")
    '/v2/serverless/a%2Fb'
    """
    return "/v2/" + "/".join(quote(segment, safe="") for segment in segments)


def encode_query(query: Mapping[str, Any]) -> str:
    """Return the query string; lists are comma-separated (`style: form, explode: false` in the document).

    >>> encode_query({"include": ["A", "B"], "count": 2, "cloud": None})
    '?include=A,B&count=2'
    >>> encode_query({})
    ''
    """
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in query.items()
        if value is not None
    }
    return f"?{urlencode(texts, safe=',:')}" if texts else ""


def read_answer(model: type[Answer], content: bytes) -> Answer:
    """Return the answer as a model, or raise `ApiError` for one that is not what the document says."""
    try:
        return model.model_validate_json(content)
    except ValidationError as failure:
        first = failure.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise ApiError(
            f"the platform's answer is no {model.__name__}: {where}: {first['msg'].lower()}",
            fix="this version of flash_jupyter may be too old for the platform; update it, or report this",
        ) from None
