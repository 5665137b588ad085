"""What `%load_ext flash_jupyter` adds to a shell, and `%unload_ext` takes away again, exactly."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from flash_jupyter.decorator.nesting import manage, release
from flash_jupyter.magics.completer import make_matcher
from flash_jupyter.magics.debug import DebugMagics
from flash_jupyter.magics.flash import FlashMagics
from flash_jupyter.magics.known import known_by
from flash_jupyter.magics.orphans import OrphanWatch
from flash_jupyter.magics.ready import announce_ready
from flash_jupyter.magics.remote import RemoteMagics
from flash_jupyter.resources.comment import to_magic
from flash_jupyter.session.default import provide, withdraw
from flash_jupyter.views.ticker import TICKER

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@dataclass(frozen=True)
class Loaded:
    """What was added to one shell, and which magics of the same name stood there before."""

    magics: tuple[Any, ...]
    hidden: dict[tuple[str, str], Callable[..., Any]]
    matcher: Callable[..., Any]
    orphans: OrphanWatch
    ready: Timer


_loaded: WeakKeyDictionary[InteractiveShell, Loaded] = WeakKeyDictionary()


def load(shell: InteractiveShell) -> None:
    """Register the magics; nothing is patched or read, and only the look for orphans waits for its time."""
    if shell in _loaded:
        return
    remote = RemoteMagics(shell)
    magics = (remote, FlashMagics(shell, remote), DebugMagics(shell))
    hidden = {
        (kind, name): shell.magics_manager.magics[kind][name]
        for kind, name in _names(magics)
        if name in shell.magics_manager.magics[kind]
    }
    shell.register_magics(*magics)
    matcher = make_matcher(known_by(shell, remote))
    shell.Completer.custom_matchers.append(matcher)
    # first, while blank lines at the top of a cell are still there and count
    shell.input_transformers_cleanup.insert(0, to_magic)
    orphans = OrphanWatch(shell, lambda: remote.backend)
    shell.events.register("pre_run_cell", remote.before_cell)
    shell.events.register("pre_run_cell", orphans.before_cell)
    orphans.start()
    ready = announce_ready(shell)
    manage(shell)
    provide(remote.session)
    atexit.register(remote.close)
    _loaded[shell] = Loaded(magics, hidden, matcher, orphans, ready)


def unload(shell: InteractiveShell) -> None:
    """Close the session and put the shell's tables back as they were."""
    loaded = _loaded.pop(shell, None)
    if loaded is None:
        return
    remote = loaded.magics[0]
    shell.Completer.custom_matchers.remove(loaded.matcher)
    shell.input_transformers_cleanup.remove(to_magic)
    shell.events.unregister("pre_run_cell", remote.before_cell)
    shell.events.unregister("pre_run_cell", loaded.orphans.before_cell)
    loaded.orphans.stop()
    loaded.ready.cancel()
    release(shell)
    withdraw(remote.session)
    loaded.magics[1].close()
    remote.close()
    TICKER.stop()
    atexit.unregister(remote.close)
    manager = shell.magics_manager
    for kind, name in _names(loaded.magics):
        manager.magics[kind].pop(name, None)
    for (kind, name), before in loaded.hidden.items():
        manager.magics[kind][name] = before
    for magics in loaded.magics:
        manager.registry.pop(type(magics).__name__, None)
        shell.configurables.remove(magics)


def _names(magics: tuple[Any, ...]) -> list[tuple[str, str]]:
    return [(kind, name) for each in magics for kind in ("line", "cell") for name in each.magics[kind]]
