"""What all handlers have in common: who may ask, JSON, and errors that keep their status and their text."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

from flash_jupyter.errors import FlashError
from flash_jupyter.server.errors import BadRequestError, document_of, status_of

if TYPE_CHECKING:
    from flash_jupyter.server.desk import Desk

#: what a JupyterHub, or an authorizer, may allow or forbid
RESOURCE = "flash_jupyter"
BACKENDS = ("local", "runpod")
#: where the desk stands among the settings of the web application
DESK = "flash_jupyter_desk"


class ApiHandler(APIHandler):
    """Base of the handlers. Each verb has to say `@authenticated` and `@authorized`; a test asks all of them."""

    auth_resource = RESOURCE
    #: a sidebar that looks again does not keep a server awake that would be culled
    _track_activity = False

    @property
    def desk(self) -> Desk:
        """What gives the service."""
        desk: Desk = self.settings[DESK]
        return desk

    def answer(self, document: dict[str, Any]) -> None:
        """Answer with JSON, which no cache keeps."""
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(document))

    def backend(self, text: str) -> Any:
        """Read which Runpod is meant."""
        if text not in BACKENDS:
            raise BadRequestError(f"`{text}` is no backend", fix="write local or runpod")
        return text

    def number(self, name: str, *, default: int, most: int) -> int:
        """Read a number from 1 to `most` of the query."""
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= most:
            raise BadRequestError(f"{name} is `{text}`", fix=f"write a whole number from 1 to {most}")
        return int(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with an error as `errors.py` tells it."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, FlashError):
            self.set_status(status_of(error))
            self.answer(document_of(error))
            return
        words = HTTPStatus(status_code).phrase if status_code in set(HTTPStatus) else "error"
        message = (error.log_message if isinstance(error, web.HTTPError) else None) or words
        self.answer(document_of(error or Exception(), status=status_code, message=message))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Write an error of ours as one line; it is no mistake of the server."""
        if isinstance(value, FlashError):
            self.log.warning("flash_jupyter: %s %s: %s", self.request.method, self.request.path, value.message)
        else:
            super().log_exception(typ, value, tb)
