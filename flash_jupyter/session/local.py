"""The embedded Runpod, seen from outside: started on first use, found again, replaced, stopped.

One server a data folder, however many kernels ask at once: whoever gets the file lock starts it, the others find its
info file. The server is in a session of its own, so that an Interrupt of the kernel does not reach it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from filelock import FileLock

from flash_jupyter._version import __version__
from flash_jupyter.errors import EmulatorError, SettingsError, UnreachableError
from flash_jupyter.processes import lives
from flash_jupyter.settings import Backend, Settings

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
_STEP_S = 0.005
_MODULE = ("-m", "flash_jupyter.emulator", "--dir")

#: servers that this process started: kept, so that one which ends is not left a zombie
_children: dict[int, Outliving] = {}
#: what was found last: folder -> info
_known: dict[Path, LocalInfo] = {}
_lock = threading.Lock()


class Outliving(subprocess.Popen[bytes]):
    """A process that may go on when ours ends; that is no leak to be warned of."""

    def __del__(self) -> None:
        """Say nothing; as long as we live, who started it reaps it."""


@dataclass(frozen=True)
class LocalInfo:
    """A running embedded Runpod. `url` is the bare origin, `created` its process's create time."""

    url: str
    api_key: str = field(repr=False)
    pid: int
    created: float
    version: str
    started_at: str

    def backend(self) -> Backend:
        """Return the URLs and the key that the client uses."""
        return Backend("local", self.url, f"{self.url}/v2", self.api_key, "embedded Runpod")

    def env(self) -> dict[str, str]:
        """Return the variables that point the official SDKs at it."""
        return {
            "RUNPOD_API_KEY": self.api_key,
            "RUNPOD_API_BASE_URL": self.url,
            "RUNPOD_ENDPOINT_BASE_URL": f"{self.url}/v2",
            "RUNPOD_REST_API_URL": f"{self.url}/v1",
            "RUNPOD_HAPI_URL": self.url,
        }


def ensure_local(settings: Settings) -> Backend:
    """Return the embedded Runpod of the data folder; start it when none runs, replace one of another version.

    Blocking and thread-safe; milliseconds when it runs. Raises `SettingsError` when the folder can't be used, and
    `EmulatorError` when the server does not start.
    """
    with _lock:
        known = _known.get(settings.local_dir)
        if known is None or not _is_alive(known):
            known = _known[settings.local_dir] = _find_or_start(settings, ())
        return known.backend()


def running_local(settings: Settings) -> Backend:
    """Return the embedded Runpod of the data folder, which is not started for it; `UnreachableError` when none runs."""
    info = local_info(settings)
    if info is None:
        raise UnreachableError("the embedded Runpod does not run", fix="start it: flash local start")
    return info.backend()


def start_local(settings: Settings, *, port: int | None = None) -> LocalInfo:
    """Start the embedded Runpod, on a given port if one is given, or return the one that runs.

    Raises `EmulatorError` when one runs on another port.
    """
    with _lock:
        info = _find_or_start(settings, () if port is None else ("--port", str(port)))
        _known[settings.local_dir] = info
    if port is not None and urlsplit(info.url).port != port:
        raise EmulatorError(
            f"an embedded Runpod already runs at {info.url}",
            fix="stop it first: flash local stop, or leave --port away",
        )
    return info


def stop_local(settings: Settings) -> bool:
    """End the embedded Runpod and its workers, also one that is only starting; False when none runs."""
    if not settings.local_dir.is_dir():
        return False
    with _lock, FileLock(settings.local_dir / "start.lock"):  # who starts one has finished then, or was killed
        _known.pop(settings.local_dir, None)
        info = local_info(settings)  # the file's: another process may have replaced the one that we knew
        if info is None:
            return _end_unannounced(settings.local_dir)
        _stop(info)
        return True


def _end_unannounced(folder: Path) -> bool:
    """End a server of the folder that has not written its info file yet: who started it was killed meanwhile."""
    words = [*_MODULE, str(folder)]
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[1 : 1 + len(words)] == words
    ]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(found, timeout=STOP_TIMEOUT_S)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return bool(found)


def local_info(settings: Settings) -> LocalInfo | None:
    """Return the running embedded Runpod of the data folder; None for a missing or a stale info file."""
    try:
        info = LocalInfo(**json.loads((settings.local_dir / "info.json").read_text()))
    except (OSError, ValueError, TypeError):  # none, half of one, or another version's
        return None
    return info if _is_alive(info) else None


def _find_or_start(settings: Settings, options: Sequence[str]) -> LocalInfo:
    info = local_info(settings)
    if info is not None and info.version == __version__ and _answers(info):
        return info
    _make_folder(settings.local_dir)
    with FileLock(settings.local_dir / "start.lock"):
        info = local_info(settings)  # whoever held the lock before us may have started it
        if info is not None and info.version == __version__ and _answers(info):
            return info
        if info is not None:
            _stop(info)
        return _start(settings, options)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "server.log").touch(mode=0o600)
    except OSError as error:
        raise SettingsError(
            f"the data folder {folder} can't be used: {error.strerror}",
            fix="set FLASH_JUPYTER_HOME to a folder that can be written, or remove what stands in its place",
        ) from None


def _start(settings: Settings, options: Sequence[str]) -> LocalInfo:
    command = [sys.executable, *_MODULE, str(settings.local_dir)]
    command += ["--overlays", str(settings.cache / "overlays"), *options]
    log_path = settings.local_dir / "server.log"
    log_start = log_path.stat().st_size
    with log_path.open("ab") as log:
        child = Outliving(
            command,
            cwd=settings.local_dir,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children[child.pid] = child
    deadline = time.monotonic() + START_TIMEOUT_S
    while child.poll() is None and time.monotonic() < deadline:
        info = local_info(settings)
        if info is not None and info.pid == child.pid and _answers(info):
            return info
        time.sleep(_STEP_S)
    raise _start_failure(child, log_path, log_start)


def _start_failure(child: Outliving, log_path: Path, log_start: int) -> EmulatorError:
    code = child.poll()
    if code is None:
        child.kill()
        child.wait()
    what = f"gave no sign of life for {START_TIMEOUT_S:.0f} s" if code is None else f"ended with exit code {code}"
    written = log_path.read_bytes()[log_start:].decode(errors="replace")
    lines = "".join(f"\n    {line}" for line in written.splitlines()[-10:])
    return EmulatorError(
        f"the embedded Runpod {what}{lines}", fix=f"its whole log is {log_path}; `flash local start` tries again"
    )


def _stop(info: LocalInfo) -> None:
    """Ask it to end, and wait; end it when it does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(info.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            if not _is_alive(info):
                return
            time.sleep(_STEP_S)


def _is_alive(info: LocalInfo) -> bool:
    """Whether the process of the info file still runs: a pid alone may belong to another process by now."""
    child = _children.get(info.pid)
    if child is not None and child.poll() is not None:
        del _children[info.pid]
        return False
    return lives(info.pid, info.created)


def _answers(info: LocalInfo) -> bool:
    """Whether the server there is the one of the info file."""
    connection = http.client.HTTPConnection(urlsplit(info.url).netloc, timeout=STOP_TIMEOUT_S)
    try:
        connection.request("GET", "/_flash/info", headers={"Authorization": info.api_key})
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read())["pid"] == info.pid
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return False
    finally:
        connection.close()
