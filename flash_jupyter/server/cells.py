"""What the build says of a cell: the form of a cell's mark and options asks while its user writes."""

from __future__ import annotations

from functools import partial
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from flash_jupyter.server.base import ApiHandler
from flash_jupyter.server.errors import BadRequestError


class CheckHandler(ApiHandler):
    """`/cells/check`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Check a cell; nothing is run, and no Runpod is asked."""
        body = self.get_json_body()
        source, tags, options = _read(body if isinstance(body, dict) else {})
        self.answer(await self.desk.aside(partial(_check, source, tags, options)))


def _read(body: dict[str, Any]) -> tuple[str, list[str], Any]:
    source, tags = body.get("source"), body.get("tags")
    if not isinstance(source, str) or not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequestError("this is no cell", fix='send {"source": "...", "tags": ["..."], "options": {}}')
    return source, tags, body.get("options") or {}


def _check(source: str, tags: list[str], options: Any) -> dict[str, Any]:
    from flash_jupyter.build.check import check_cell

    problems = check_cell(source, tags, options)
    return {"problems": [{"message": problem.message, "fix": problem.fix} for problem in problems]}
