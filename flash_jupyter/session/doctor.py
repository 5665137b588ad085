"""What stands between a user and a cell that runs: each check is one line with what to do. The key is never shown."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from packaging.requirements import Requirement

from flash_jupyter._version import __version__
from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.resources.endpoint import THIS_PYTHON
from flash_jupyter.resources.images import Images, check_published, show_python
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import ENDPOINT_URL, REST_URL, Backend, Settings
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE, Http
from flash_jupyter.transport.loop import LoopThread

Level = Literal["ok", "warn", "fail"]

#: what a notebook needs of Jupyter; which versions fit is in our own metadata
PACKAGES = ("ipython", "ipykernel", "ipywidgets", "jupyterlab")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, and what to do where it is not well."""

    subject: str
    level: Level
    text: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


def examine(
    settings: Settings,
    *,
    transport: Callable[[Backend], httpx.AsyncBaseTransport | None] = lambda _backend: None,
    version_of: Callable[[str], str] = importlib.metadata.version,
) -> list[Check]:
    """Look at everything; one cheap request where there is a key that would be used, none otherwise.

    `transport` and `version_of` are seams: HTTP, and what is installed.
    """
    return [
        _backend(settings),
        _key(settings),
        *_accepted(settings, transport),
        *_addresses(settings),
        _python(settings),
        *(_package(name, version_of) for name in PACKAGES),
        _uv(),
        _folder("data folder", settings.home),
        _folder("cache folder", settings.cache),
        _local(settings),
    ]


def worst(checks: list[Check]) -> Level:
    """Return the worst level.

    >>> worst([Check("a", "ok", ""), Check("b", "warn", "")])
    'warn'
    """
    levels: tuple[Level, ...] = ("ok", "warn", "fail")
    return max((check.level for check in checks), key=levels.index, default="ok")


def _backend(settings: Settings) -> Check:
    forced = settings.environ.get("FLASH_JUPYTER_BACKEND")
    why = "as FLASH_JUPYTER_BACKEND says" if forced else "there is a key" if settings.api_key else "there is no key"
    where = settings.api_url if settings.backend == "runpod" else "the embedded Runpod of this machine"
    return Check("backend", "ok", f"{settings.backend}: {where} ({why})")


def _key(settings: Settings) -> Check:
    if not settings.api_key:
        needed = settings.backend == "runpod"
        fix = "set RUNPOD_API_KEY, in the environment or in .env" if needed else ""
        return Check("key", "fail" if needed else "ok", "none" if needed else "none, and none is needed", fix)
    if settings.hidden_keys:
        others = " and ".join(settings.hidden_keys)
        fix = "remove the one that is out of date"
        return Check("key", "warn", f"from {settings.key_origin}; another one, from {others}, is not used", fix)
    return Check("key", "ok", f"from {settings.key_origin}")


def _accepted(settings: Settings, transport: Callable[[Backend], httpx.AsyncBaseTransport | None]) -> Iterator[Check]:
    if settings.backend != "runpod" or not settings.api_key:
        return
    loop = LoopThread("doctor")  # the main thread of a kernel has a loop of its own, which is busy
    try:
        count = loop.call(_count_endpoints(settings.cloud(), transport))
        yield Check("key accepted", "ok", f"by {settings.api_url}; the account has {count} endpoints")
    except FlashError as failure:
        yield Check("key accepted", "fail", failure.message, failure.fix)
    finally:
        loop.close()


async def _count_endpoints(backend: Backend, transport: Callable[[Backend], httpx.AsyncBaseTransport | None]) -> int:
    http = Http(backend, transport=transport(backend))
    try:
        return len(await Control(http).endpoints(retry=ONCE))
    finally:
        await http.aclose()


def _addresses(settings: Settings) -> Iterator[Check]:
    """Addresses that were set: all or none, and none over which a key would be readable."""
    given = {
        "RUNPOD_API_BASE_URL": settings.api_url if settings.api_url != REST_URL else None,
        "RUNPOD_ENDPOINT_BASE_URL": settings.endpoint_url if settings.endpoint_url != ENDPOINT_URL else None,
        "RUNPOD_REST_API_URL": settings.rest_url,
    }
    if settings.backend != "runpod" or not any(given.values()):
        return
    plain = [name for name, url in given.items() if url and _is_readable(url)]
    missing = [name for name in list(given)[:2] if not given[name]]
    listed = ", ".join(f"{name}={url}" for name, url in given.items() if url)
    if plain:
        yield Check("addresses", "fail", f"{', '.join(plain)}: the key would travel in the clear", "use https://")
    elif missing:
        fix = f"set {', '.join(missing)} too"
        yield Check("addresses", "warn", f"{listed}; the rest goes to Runpod itself", fix)
    else:
        yield Check("addresses", "ok", listed)


def _is_readable(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def _python(settings: Settings) -> Check:
    version = show_python(THIS_PYTHON)
    if settings.backend == "local":
        return Check("python", "ok", f"{version}, and local workers run the same")
    try:
        check_published(THIS_PYTHON)
    except OptionError as failure:
        return Check("python", "fail", failure.message, failure.fix)
    images = Images(**settings.images)
    used = [images.reference(cpu=cpu, load_balanced=False, python=THIS_PYTHON) for cpu in (False, True)]
    return Check("python", "ok", f"{version}, with the images {' and '.join(used)}")


def _package(name: str, version_of: Callable[[str], str]) -> Check:
    wanted = _requirement(name)
    install = f'pip install "{wanted}"'
    try:
        version = version_of(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "fail", "not installed", install)
    if not wanted.specifier.contains(version, prereleases=True):
        return Check(name, "fail", f"{version}, and {wanted.specifier} is needed", install)
    return Check(name, "ok", version)


def _requirement(name: str) -> Requirement:
    """What our own metadata asks of a package; any version where there is no metadata."""
    try:
        listed = importlib.metadata.requires("flash-jupyter") or []
    except importlib.metadata.PackageNotFoundError:
        listed = []
    found = (one for text in listed if (one := Requirement(text)).name == name and one.marker is None)
    return next(found, Requirement(name))


def _uv() -> Check:
    if importlib.util.find_spec("uv") is None:
        return Check("uv", "warn", "not installed: pip installs dependencies, several times slower", "pip install uv")
    return Check("uv", "ok", importlib.metadata.version("uv"))


def _folder(subject: str, folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as failure:
        fix = "make it writable, or point FLASH_JUPYTER_HOME to a folder that is"
        return Check(subject, "fail", f"{folder}: {failure.strerror}", fix)
    return Check(subject, "ok", f"{folder} can be written")


def _local(settings: Settings) -> Check:
    info = local_info(settings)
    if info is None:
        return Check("local Runpod", "ok", "not running; the first local cell starts it")
    text = f"{info.url}, pid {info.pid}, version {info.version}"
    if info.version != __version__:
        return Check("local Runpod", "warn", f"{text}: the next local cell replaces it", "flash local stop")
    return Check("local Runpod", "ok", text)
