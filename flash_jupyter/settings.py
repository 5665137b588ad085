"""What the environment says, read once: the only reader of `os.environ` and `.env`.

Nothing outside this file and `session/provision` knows whether it talks to Runpod or to the embedded one: both are
a `Backend`, a set of URLs and a key.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from dotenv import dotenv_values

from flash_jupyter import limits
from flash_jupyter.backend import ENDPOINT_URL as ENDPOINT_URL
from flash_jupyter.backend import REST_URL as REST_URL
from flash_jupyter.backend import Backend as Backend
from flash_jupyter.backend import BackendName as BackendName
from flash_jupyter.errors import OptionError, SettingsError
from flash_jupyter.quantities import read_size, read_span, read_usd

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

#: variables of the released client that name other images (flash-wire reference, 9) -> which image
IMAGE_VARIABLES = {
    "FLASH_GPU_IMAGE": "gpu",
    "FLASH_CPU_IMAGE": "cpu",
    "FLASH_LB_IMAGE": "lb",
    "FLASH_CPU_LB_IMAGE": "lb_cpu",
    "FLASH_IMAGE_TAG": "tag",
}
#: a folder with one of these is the root of a project: `.env` is not looked for above it
PROJECT_MARKS = (".git", "pyproject.toml")


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides; passed as an argument, never read again."""

    home: Path
    cache: Path
    owner: str
    backend: BackendName
    api_key: str | None = field(repr=False, default=None)
    key_origin: str = ""
    #: where other keys are, which are not used because `key_origin` goes before
    hidden_keys: tuple[str, ...] = ()
    api_url: str = REST_URL
    endpoint_url: str = ENDPOINT_URL
    #: REST v1 of the released clients, where it is set; we only compare it (`flash doctor`)
    rest_url: str | None = None
    #: other images, by family (`gpu cpu lb lb_cpu`), and their `tag`
    images: Mapping[str, str] = field(default_factory=dict)
    #: seconds after which an endpoint that is made now counts as an orphan, if it has no job then
    ttl_s: int = limits.OUR_TTL_S
    #: USD: what all workers of an endpoint may cost an hour, and what one kernel may spend; None is no limit
    max_cost_per_hour: float | None = None
    max_cost: float | None = None
    #: seconds in the queue after which a job is told why, and of unhealthy workers after which it is given up
    waiting_after_s: float = limits.WAITING_AFTER_S
    give_up_unhealthy_s: float = limits.GIVE_UP_UNHEALTHY_S
    #: how long, and up to how many bytes together, answers and logs of jobs that are over are kept here
    keep_s: int = limits.OUR_KEEP_S
    keep_bytes: float = limits.OUR_KEEP_BYTES
    environ: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def local_dir(self) -> Path:
        """The embedded Runpod's folder: its store, its log, its info file."""
        return self.home / "local"

    @property
    def job_store(self) -> Path:
        """The SQLite file that remembers every job."""
        return self.home / "jobs.sqlite"

    def cloud(self) -> Backend:
        """Return the real Runpod, or raise `SettingsError` where there is no key, or none that could be sent."""
        if not self.api_key:
            raise SettingsError(
                "there is no Runpod API key",
                fix="set RUNPOD_API_KEY (in the environment or in .env), or use backend=local, which needs none",
            )
        if not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise SettingsError(
                f"the key from {self.key_origin} is no Runpod API key: it has spaces or special characters",
                fix="copy it again from the console, without quotes",
            )
        hidden = f" (which goes before {' and '.join(self.hidden_keys)})" if self.hidden_keys else ""
        return Backend("runpod", self.api_url, self.endpoint_url, self.api_key, f"{self.key_origin}{hidden}")


def read_settings(environ: Mapping[str, str] | None = None, *, project: Path | None = None) -> Settings:
    """Read the environment, then `.env` of the project for what the environment lacks, then Runpod's config file.

    `FLASH_JUPYTER_BACKEND=local|runpod` forces a backend; without it, `runpod` is chosen where a key is found.
    Raises `SettingsError` for a variable or a file that can't be what it is meant to be.
    """
    real = dict(os.environ if environ is None else environ)
    user_home = Path.home() if environ is None else _home_of(environ)
    folder = project or Path.cwd()
    dotenv_path = find_dotenv(folder, user_home)
    dotenv = {k: v for k, v in dotenv_values(dotenv_path).items() if v is not None} if dotenv_path else {}
    merged = {**dotenv, **real}
    forced = merged.get("FLASH_JUPYTER_BACKEND", "")
    file = ".env" if dotenv_path == folder / ".env" else str(dotenv_path)
    found = list(_variable_keys(real, dotenv, file))
    if user_home is not None:
        found += _config_keys(user_home / ".runpod" / "config.toml", is_needed=not found and forced != "local")
    key, origin = found[0] if found else (None, "")
    home, cache = _folders(merged)
    return Settings(
        home=home,
        cache=cache,
        owner=merged.get("FLASH_JUPYTER_OWNER") or _user_name(),
        backend=_choose_backend(forced, key),
        api_key=key,
        key_origin=origin,
        hidden_keys=tuple(other for text, other in found if text != key),
        api_url=_url(merged, "RUNPOD_API_BASE_URL") or REST_URL,
        endpoint_url=_url(merged, "RUNPOD_ENDPOINT_BASE_URL") or ENDPOINT_URL,
        rest_url=_url(merged, "RUNPOD_REST_API_URL"),
        images={family: merged[name] for name, family in IMAGE_VARIABLES.items() if merged.get(name)},
        ttl_s=_ttl_s(merged),
        max_cost_per_hour=_read(merged, "FLASH_JUPYTER_MAX_COST_PER_HOUR", read_usd, None),
        max_cost=_read(merged, "FLASH_JUPYTER_MAX_COST", read_usd, None),
        waiting_after_s=_seconds(merged, "FLASH_JUPYTER_WAITING_AFTER_S", limits.WAITING_AFTER_S),
        give_up_unhealthy_s=_seconds(merged, "FLASH_JUPYTER_GIVE_UP_UNHEALTHY_S", limits.GIVE_UP_UNHEALTHY_S),
        keep_s=_read(merged, "FLASH_JUPYTER_KEEP", read_span, limits.OUR_KEEP_S),
        keep_bytes=_read(merged, "FLASH_JUPYTER_KEEP_SIZE", read_size, limits.OUR_KEEP_BYTES),
        environ=merged,
    )


def find_dotenv(folder: Path, user_home: Path | None) -> Path | None:
    """Return the `.env` of the project: in the folder, or above it up to the project's root, or the user's home.

    A folder that is in no project and not in the user's home is looked at alone: what lies above is not the user's.
    """
    return next((path for place in _project_folders(folder, user_home) if (path := place / ".env").is_file()), None)


def _project_folders(folder: Path, user_home: Path | None) -> Iterator[Path]:
    chain = [folder, *folder.parents]
    ends = [chain.index(place) for place in (project_root(folder), user_home) if place in chain]
    yield from chain[: min(ends, default=0) + 1]


def project_root(folder: Path) -> Path | None:
    """Return the nearest folder from here upwards that holds one of `PROJECT_MARKS`; None for no project."""
    places = (folder, *folder.parents)
    return next((place for place in places if any((place / mark).exists() for mark in PROJECT_MARKS)), None)


def _variable_keys(real: Mapping[str, str], dotenv: Mapping[str, str], file: str) -> Iterator[tuple[str, str]]:
    if key := real.get("RUNPOD_API_KEY", "").strip():
        yield key, "environment variable RUNPOD_API_KEY"
    if key := dotenv.get("RUNPOD_API_KEY", "").strip():
        yield key, f"RUNPOD_API_KEY in {file}"


def _config_keys(path: Path, *, is_needed: bool) -> Iterator[tuple[str, str]]:
    """Read the file of `rp login` (`[default]` with `api_key`), or of runpodctl (`apikey` at the top)."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as failure:  # ValueError: not UTF-8, or no TOML; its text may quote the key
        if not is_needed:
            return
        raise SettingsError(
            f"the config file {path} can't be read ({type(failure).__name__})",
            fix="repair or remove it, or set RUNPOD_API_KEY, or FLASH_JUPYTER_BACKEND=local",
        ) from None
    default = document.get("default")
    if isinstance(default, dict):
        key, origin = _text(default.get("api_key")), f"api_key of [default] in {path}"
    else:
        key, origin = _text(document.get("apikey")), f"apikey in {path}"
    if key:
        yield key, origin


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _url(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").strip()
    if value and not value.startswith(("https://", "http://")):
        raise SettingsError(f"{name} is {value!r}", fix="write it with https:// (or http://) in front")
    return value.rstrip("/") or None


def _ttl_s(environ: Mapping[str, str]) -> int:
    seconds = _read(environ, "FLASH_JUPYTER_TTL", read_span, limits.OUR_TTL_S)
    if not limits.TTL_MIN_S <= seconds <= limits.TTL_MAX_S:
        text = environ["FLASH_JUPYTER_TTL"]
        raise SettingsError(f"FLASH_JUPYTER_TTL is {text!r}", fix="choose a time between one minute and a year")
    return seconds


def _read(environ: Mapping[str, str], name: str, read: Callable[[str], T], default: T) -> T:
    text = environ.get(name, "").strip()
    try:
        return read(text) if text else default
    except OptionError as error:
        raise SettingsError(f"{name}: {error.message}", fix=error.fix) from None


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        seconds = float(text or default)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise SettingsError(f"{name} is {text!r}", fix=f"set it to a number of seconds, such as {default:g}")
    return seconds


def _home_of(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home) if home else None


def _folders(environ: Mapping[str, str]) -> tuple[Path, Path]:
    override = environ.get("FLASH_JUPYTER_HOME")
    if override:
        home = Path(override).expanduser().resolve()
        return home, home / "cache"
    return Path(platformdirs.user_data_dir("flash_jupyter")), Path(platformdirs.user_cache_dir("flash_jupyter"))


def _choose_backend(forced: str, key: str | None) -> BackendName:
    if forced == "local":
        return "local"
    if forced == "runpod":
        return "runpod"
    if forced:
        raise SettingsError(f"FLASH_JUPYTER_BACKEND is {forced!r}", fix="set it to local or runpod, or leave it away")
    return "runpod" if key else "local"


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "user"
