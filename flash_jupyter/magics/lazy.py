"""The session of one kernel, made when the first remote cell needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flash_jupyter.session.budget import Budget
    from flash_jupyter.session.session import Session
    from flash_jupyter.settings import BackendName


class LazySession:
    """Holds a kernel's session; the import alone costs more than `%load_ext` may take."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._backend = ""
        self._budget: Budget | None = None

    def get(self, backend: str = "") -> Session:
        """Return the session; the environment is read when it is made, and `backend` says it better."""
        if self._session is None or backend != self._backend:
            self.close()
            self._session, self._backend = _make(backend, self._budget), backend
            self._budget = self._session.budget  # the kernel's, whichever backend it uses
        return self._session

    @property
    def open(self) -> Session | None:
        """The session, where one was made already."""
        return self._session

    def close(self) -> None:
        """End the session's thread and connections; the next use makes a new session."""
        if self._session is not None:
            self._session.close()
            self._session = None


def _make(backend: str, budget: Budget | None) -> Session:
    from flash_jupyter.session.session import Session
    from flash_jupyter.settings import read_settings

    settings = read_settings()
    if backend:
        settings = replace(settings, backend=cast("BackendName", backend))
    return Session(settings, budget=budget)
