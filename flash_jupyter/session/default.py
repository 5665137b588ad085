"""The session that remote functions use: one a process, or the notebook's own where the extension is loaded.

Importing this module must stay quick: what a session needs is imported when the first one is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session

_lock = threading.Lock()
_own: list[Session] = []
_providers: list[Callable[[], Session]] = []


def default_session() -> Session:
    """Return the session of the notebook, or the process's own, made now from the environment; closed at exit."""
    with _lock:
        if _providers:
            return _providers[-1]()
        if not _own:
            _own.append(_make())
        return _own[0]


def provide(provider: Callable[[], Session]) -> None:
    """Let `provider` say which session is used from now on."""
    _providers.append(provider)


def withdraw(provider: Callable[[], Session]) -> None:
    """Take a provider back; one that was not given is passed over."""
    if provider in _providers:
        _providers.remove(provider)


def _make() -> Session:
    from flash_jupyter.session.session import Session
    from flash_jupyter.settings import read_settings

    return Session(read_settings())
