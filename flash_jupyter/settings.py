"""What the environment says, read once: the only reader of `os.environ` and `.env`.

Nothing outside this file and `session/provision` knows whether it talks to Runpod or to the embedded one: both are
a `Backend`, a set of URLs and a key.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs
from dotenv import dotenv_values

from flash_jupyter.errors import SettingsError

BackendName = Literal["local", "runpod"]

REST_URL = "https://api.runpod.io"
ENDPOINT_URL = "https://api.runpod.ai/v2"


@dataclass(frozen=True)
class Backend:
    """A Runpod: where its planes are, and the key for them; `key_origin` says where the key came from."""

    name: BackendName
    api_url: str
    endpoint_url: str
    api_key: str = field(repr=False)
    key_origin: str


@dataclass(frozen=True)
class Settings:
    """Everything that the environment decides; passed as an argument, never read again."""

    home: Path
    cache: Path
    owner: str
    backend: BackendName
    api_key: str | None = field(repr=False, default=None)
    key_origin: str = ""
    api_url: str = REST_URL
    endpoint_url: str = ENDPOINT_URL
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
        """Return the real Runpod, or raise `SettingsError` where there is no key."""
        if not self.api_key:
            raise SettingsError(
                "there is no Runpod API key",
                fix="set RUNPOD_API_KEY (in the environment or in .env), or use backend=local, which needs none",
            )
        return Backend("runpod", self.api_url, self.endpoint_url, self.api_key, self.key_origin)


def read_settings(environ: Mapping[str, str] | None = None, *, project: Path | None = None) -> Settings:
    """Read the environment, then `.env` of the project for what the environment lacks.

    `FLASH_JUPYTER_BACKEND=local|runpod` forces a backend; without it, `runpod` is chosen where a key is found.
    """
    real = dict(os.environ if environ is None else environ)
    dotenv = _read_dotenv(project or Path.cwd())
    merged = {**dotenv, **real}
    key, origin = _find_key(real, dotenv)
    home, cache = _folders(merged)
    return Settings(
        home=home,
        cache=cache,
        owner=merged.get("FLASH_JUPYTER_OWNER") or _user_name(),
        backend=_choose_backend(merged.get("FLASH_JUPYTER_BACKEND", ""), key),
        api_key=key,
        key_origin=origin,
        api_url=merged.get("RUNPOD_API_BASE_URL", REST_URL).rstrip("/"),
        endpoint_url=merged.get("RUNPOD_ENDPOINT_BASE_URL", ENDPOINT_URL).rstrip("/"),
        environ=merged,
    )


def _read_dotenv(project: Path) -> dict[str, str]:
    path = project / ".env"
    return {k: v for k, v in dotenv_values(path).items() if v is not None} if path.is_file() else {}


def _find_key(real: Mapping[str, str], dotenv: Mapping[str, str]) -> tuple[str | None, str]:
    if real.get("RUNPOD_API_KEY"):
        return real["RUNPOD_API_KEY"], "environment variable RUNPOD_API_KEY"
    if dotenv.get("RUNPOD_API_KEY"):
        return dotenv["RUNPOD_API_KEY"], "RUNPOD_API_KEY in .env"
    return None, ""


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
