"""What the environment decides: backend, key and its origin, folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.errors import SettingsError
from flash_jupyter.settings import read_settings

CASES: list[tuple[str, dict[str, str], str, str, str, str]] = [
    # what is set                              environment                      .env                  backend   key    origin
    ("nothing",                                {},                              "",                   "local",  "",    ""),
    ("a key in the environment",               {"RUNPOD_API_KEY": "k1"},        "",                   "runpod", "k1",  "environment variable RUNPOD_API_KEY"),
    ("a key in .env",                          {},                              "RUNPOD_API_KEY=k2",  "runpod", "k2",  "RUNPOD_API_KEY in .env"),
    ("both: the environment wins",             {"RUNPOD_API_KEY": "k1"},        "RUNPOD_API_KEY=k2",  "runpod", "k1",  "environment variable RUNPOD_API_KEY"),
    ("local is forced though there is a key",  {"RUNPOD_API_KEY": "k1", "FLASH_JUPYTER_BACKEND": "local"}, "", "local", "k1", "environment variable RUNPOD_API_KEY"),
    ("runpod is forced without a key",         {"FLASH_JUPYTER_BACKEND": "runpod"}, "",               "runpod", "",    ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "dotenv", "backend", "key", "origin"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_backend_and_key(
    tmp_path: Path, environ: dict[str, str], dotenv: str, backend: str, key: str, origin: str
) -> None:
    (tmp_path / ".env").write_text(dotenv)
    settings = read_settings(environ, project=tmp_path)
    assert (settings.backend, settings.api_key or "", settings.key_origin) == (backend, key, origin)


def test_a_key_is_never_in_a_repr(tmp_path: Path) -> None:
    settings = read_settings({"RUNPOD_API_KEY": "very-secret"}, project=tmp_path)
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in repr(settings.cloud())


def test_the_urls_of_the_cloud_can_be_set(tmp_path: Path) -> None:
    environ = {"RUNPOD_API_KEY": "k", "RUNPOD_API_BASE_URL": "http://a/", "RUNPOD_ENDPOINT_BASE_URL": "http://b/v2"}
    cloud = read_settings(environ, project=tmp_path).cloud()
    assert (cloud.api_url, cloud.endpoint_url) == ("http://a", "http://b/v2")


def test_one_variable_moves_all_folders(tmp_path: Path) -> None:
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "h")}, project=tmp_path)
    assert settings.home == tmp_path / "h"
    assert settings.cache.is_relative_to(settings.home)
    assert settings.job_store.is_relative_to(settings.home)


def test_a_backend_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"FLASH_JUPYTER_BACKEND": "cloud"}, project=tmp_path)
    assert str(caught.value) == ("FLASH_JUPYTER_BACKEND is 'cloud'\n  → set it to local or runpod, or leave it away")


def test_the_cloud_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({}, project=tmp_path).cloud()
    assert str(caught.value) == (
        "there is no Runpod API key\n"
        "  → set RUNPOD_API_KEY (in the environment or in .env), or use backend=local, which needs none"
    )
