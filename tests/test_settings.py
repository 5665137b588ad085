"""What the environment decides: backend, key and its origin, folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.errors import SettingsError
from flash_jupyter.settings import find_dotenv, read_settings

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


CONFIGS: list[tuple[str, str, str | None, str]] = [
    ("of rp login", '[default]\napi_key = "k3"\n', "k3", "api_key of [default] in {}"),
    ("of runpodctl", 'apikey = "k4"\n', "k4", "apikey in {}"),
    ("of both: [default] is the one", 'apikey = "k4"\n[default]\napi_key = "k3"\n', "k3", "api_key of [default] in {}"),
    ("[default] without a key hides the other", 'apikey = "k4"\n[default]\n', None, ""),
    ("without a key", "other = 1\n", None, ""),
    ("with something that is no text", "apikey = 7\n", None, ""),
]


@pytest.mark.parametrize(("text", "key", "origin"), [c[1:] for c in CONFIGS], ids=[c[0] for c in CONFIGS])
def test_the_config_file(tmp_path: Path, text: str, key: str | None, origin: str) -> None:
    settings = read_settings({"HOME": str(config_of(tmp_path, text))}, project=tmp_path / "project")
    assert (settings.api_key, settings.key_origin) == (key, origin.format(tmp_path / ".runpod" / "config.toml"))
    assert settings.backend == ("runpod" if key else "local")


def config_of(home: Path, text: str) -> Path:
    (home / ".runpod").mkdir()
    (home / ".runpod" / "config.toml").write_text(text)
    (home / "project").mkdir()
    return home


def test_the_config_file_comes_last(tmp_path: Path) -> None:
    home = config_of(tmp_path, 'apikey = "k4"\n')
    (home / "project" / ".env").write_text("RUNPOD_API_KEY=k2\n")
    settings = read_settings({"HOME": str(home)}, project=home / "project")
    assert (settings.api_key, settings.key_origin) == ("k2", "RUNPOD_API_KEY in .env")


def test_a_broken_config_file_is_named_and_not_shown(tmp_path: Path) -> None:
    home = config_of(tmp_path, "apikey = very-secret\n")
    with pytest.raises(SettingsError) as caught:
        read_settings({"HOME": str(home)}, project=home / "project")
    assert str(caught.value) == (
        f"the config file {home}/.runpod/config.toml can't be read (TOMLDecodeError)\n"
        "  → repair or remove it, or set RUNPOD_API_KEY, or FLASH_JUPYTER_BACKEND=local"
    )
    forced = read_settings({"HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}, project=home / "project")
    assert forced.api_key is None


PLACES: list[tuple[str, str, str, str | None]] = [
    ("in the folder", "a/b", "a/.git", "a/b"),
    ("above, in the project's root", "a", "a/pyproject.toml", "a"),
    ("above the project's root", ".", "a/.git", None),
    ("in the user's home, above a folder without a project", ".", "", "."),
]


@pytest.mark.parametrize(("place", "mark", "found"), [c[1:] for c in PLACES], ids=[c[0] for c in PLACES])
def test_where_dotenv_is_looked_for(tmp_path: Path, place: str, mark: str, found: str | None) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (tmp_path / place / ".env").write_text("RUNPOD_API_KEY=k\n")
    if mark:
        (tmp_path / mark).write_text("")
    assert find_dotenv(folder, tmp_path) == (tmp_path / found / ".env" if found else None)


def test_outside_of_project_and_home_nothing_above_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / ".env").write_text("RUNPOD_API_KEY=k\n")
    assert find_dotenv(tmp_path / "a", Path("/home/ann")) is None
    assert find_dotenv(tmp_path / "a", None) is None


def test_a_dotenv_above_is_named_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".env").write_text("RUNPOD_API_KEY=k\n")
    assert read_settings({}, project=tmp_path / "a").key_origin == f"RUNPOD_API_KEY in {tmp_path}/.env"


def test_a_key_is_taken_without_its_white_space(tmp_path: Path) -> None:
    assert read_settings({"RUNPOD_API_KEY": " k\n"}, project=tmp_path).cloud().api_key == "k"


def test_what_can_not_be_a_key_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"RUNPOD_API_KEY": "very secret"}, project=tmp_path).cloud()
    assert str(caught.value) == (
        "the key from environment variable RUNPOD_API_KEY is no Runpod API key: it has spaces or special characters\n"
        "  → copy it again from the console, without quotes"
    )


def test_an_address_without_a_scheme(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"RUNPOD_API_BASE_URL": "api.runpod.io"}, project=tmp_path)
    assert str(caught.value) == (
        "RUNPOD_API_BASE_URL is 'api.runpod.io'\n  → write it with https:// (or http://) in front"
    )


def test_images_of_the_released_client(tmp_path: Path) -> None:
    environ = {
        "FLASH_GPU_IMAGE": "my/gpu",
        "FLASH_CPU_LB_IMAGE": "my/lb-cpu",
        "FLASH_IMAGE_TAG": "v2",
        "FLASH_CPU_IMAGE": "",
    }
    settings = read_settings(environ, project=tmp_path)
    assert settings.images == {"gpu": "my/gpu", "lb_cpu": "my/lb-cpu", "tag": "v2"}


def test_a_refused_key_says_which_others_it_goes_before(tmp_path: Path) -> None:
    home = config_of(tmp_path, 'apikey = "k4"\n')
    (home / "project" / ".env").write_text("RUNPOD_API_KEY=k2\n")
    settings = read_settings({"HOME": str(home), "RUNPOD_API_KEY": "k1"}, project=home / "project")
    assert settings.key_origin == "environment variable RUNPOD_API_KEY"
    assert settings.cloud().key_origin == (
        "environment variable RUNPOD_API_KEY "
        f"(which goes before RUNPOD_API_KEY in .env and apikey in {home}/.runpod/config.toml)"
    )


def test_the_same_key_twice_hides_nothing(tmp_path: Path) -> None:
    home = config_of(tmp_path, 'apikey = "k1"\n')
    settings = read_settings({"HOME": str(home), "RUNPOD_API_KEY": "k1"}, project=home / "project")
    assert settings.hidden_keys == ()


def test_limits_of_money_and_time(tmp_path: Path) -> None:
    environ = {"FLASH_JUPYTER_TTL": "2h", "FLASH_JUPYTER_MAX_COST_PER_HOUR": "2.5", "FLASH_JUPYTER_MAX_COST": "$10"}
    settings = read_settings(environ, project=tmp_path)
    assert (settings.ttl_s, settings.max_cost_per_hour, settings.max_cost) == (7200, 2.5, 10.0)
    settings = read_settings({}, project=tmp_path)
    assert (settings.ttl_s, settings.max_cost_per_hour, settings.max_cost) == (86_400, None, None)


REFUSED = [
    ("a time that is none", "FLASH_JUPYTER_TTL", "soon", "FLASH_JUPYTER_TTL: `soon` is no time span"),
    ("a time that is too short", "FLASH_JUPYTER_TTL", "1s", "FLASH_JUPYTER_TTL is '1s'"),
    ("an amount that is none", "FLASH_JUPYTER_MAX_COST", "little", "FLASH_JUPYTER_MAX_COST: `little` is no amount"),
    ("less than nothing", "FLASH_JUPYTER_MAX_COST", "-1", "FLASH_JUPYTER_MAX_COST: `-1` is no amount"),
]


@pytest.mark.parametrize(("name", "text", "message"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: text}, project=tmp_path)
    assert caught.value.message == message
