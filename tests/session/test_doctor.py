"""What the doctor says: one line a subject, what to do, and never the key."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from flash_jupyter.session.doctor import Check, examine, worst
from flash_jupyter.settings import Backend, Settings, read_settings

KEY = "rpa_0123456789abcdefVERYSECRET"


def settings_of(home: Path, **environ: str) -> Settings:
    home.mkdir(exist_ok=True)
    return read_settings({"FLASH_JUPYTER_HOME": str(home / "data"), **environ}, project=home)


def look(
    settings: Settings, answer: int | type[httpx.TransportError] = 200, version_of: Callable[[str], str] | None = None
) -> dict[str, Check]:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        if isinstance(answer, type):
            raise answer(f"cut {KEY}", request=request)
        return httpx.Response(answer, json={"endpoints": []} if answer == 200 else {"detail": f"no: {KEY}"})

    def transport(_backend: Backend) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(handle)

    checks = examine(settings, transport=transport, version_of=version_of or importlib.metadata.version)
    assert KEY not in repr(checks) + str([check.to_json() for check in checks])
    return {check.subject: check for check in checks}


def test_all_is_well_without_a_key(tmp_path: Path) -> None:
    checks = look(settings_of(tmp_path))
    assert list(checks) == [
        *("backend", "key", "python", "ipython", "ipykernel", "ipywidgets", "jupyterlab", "uv"),
        *("data folder", "cache folder", "local Runpod"),
    ]
    assert worst(list(checks.values())) == "ok"
    assert checks["backend"].text == "local: the embedded Runpod of this machine (there is no key)"
    assert checks["key"].text == "none, and none is needed"
    assert checks["local Runpod"].text == "not running; the first local cell starts it"


def test_all_is_well_with_a_key(tmp_path: Path) -> None:
    checks = look(settings_of(tmp_path, RUNPOD_API_KEY=KEY, FLASH_CPU_IMAGE="my/cpu:1"))
    assert worst(list(checks.values())) == "ok"
    assert checks["backend"].text == "runpod: https://api.runpod.io (there is a key)"
    assert checks["key"].text == "from environment variable RUNPOD_API_KEY"
    assert checks["key accepted"].text == "by https://api.runpod.io; the account has 0 endpoints"
    assert checks["python"].text.endswith("-latest and my/cpu:1")


def test_a_refused_key_is_named_by_its_origin_and_by_what_it_hides(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RUNPOD_API_KEY=another\n")
    checks = look(settings_of(tmp_path, RUNPOD_API_KEY=KEY), 401)
    assert checks["key"] == Check(
        "key",
        "warn",
        "from environment variable RUNPOD_API_KEY; another one, from RUNPOD_API_KEY in .env, is not used",
        "remove the one that is out of date",
    )
    assert checks["key accepted"] == Check(
        "key accepted",
        "fail",
        "401: the key from environment variable RUNPOD_API_KEY (which goes before RUNPOD_API_KEY in .env) was refused (no: …)",
        "set a valid RUNPOD_API_KEY, or use backend=local, which needs none",
    )


def test_nobody_answers(tmp_path: Path) -> None:
    checks = look(settings_of(tmp_path, RUNPOD_API_KEY=KEY), httpx.ConnectError)
    assert checks["key accepted"].level == "fail"
    assert checks["key accepted"].text == "no answer from api.runpod.io: cut …"


def test_runpod_is_forced_without_a_key(tmp_path: Path) -> None:
    checks = look(settings_of(tmp_path, FLASH_JUPYTER_BACKEND="runpod"))
    assert (checks["key"].level, checks["key"].text) == ("fail", "none")
    assert "key accepted" not in checks


ADDRESSES: list[tuple[str, dict[str, str], str, str]] = [
    ("only one of two", {"RUNPOD_API_BASE_URL": "https://a"}, "warn", "RUNPOD_API_BASE_URL=https://a; the rest goes to Runpod itself"),
    ("only that of REST v1", {"RUNPOD_REST_API_URL": "https://r/v1"}, "warn", "RUNPOD_REST_API_URL=https://r/v1; the rest goes to Runpod itself"),
    ("both", {"RUNPOD_API_BASE_URL": "https://a", "RUNPOD_ENDPOINT_BASE_URL": "https://b/v2"}, "ok", "RUNPOD_API_BASE_URL=https://a, RUNPOD_ENDPOINT_BASE_URL=https://b/v2"),
    ("without TLS", {"RUNPOD_API_BASE_URL": "http://far.test", "RUNPOD_ENDPOINT_BASE_URL": "https://b/v2"}, "fail", "RUNPOD_API_BASE_URL: the key would travel in the clear"),
    ("without TLS on this machine", {"RUNPOD_API_BASE_URL": "http://127.0.0.1:1", "RUNPOD_ENDPOINT_BASE_URL": "http://127.0.0.1:1/v2"}, "ok", "RUNPOD_API_BASE_URL=http://127.0.0.1:1, RUNPOD_ENDPOINT_BASE_URL=http://127.0.0.1:1/v2"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "level", "text"), [c[1:] for c in ADDRESSES], ids=[c[0] for c in ADDRESSES])
def test_addresses(tmp_path: Path, environ: dict[str, str], level: str, text: str) -> None:
    check = look(settings_of(tmp_path, RUNPOD_API_KEY=KEY, **environ))["addresses"]
    assert (check.level, check.text) == (level, text)


def test_a_package_is_missing_and_one_is_too_old(tmp_path: Path) -> None:
    def version_of(name: str) -> str:
        if name == "ipywidgets":
            raise importlib.metadata.PackageNotFoundError
        return "6.0" if name == "ipykernel" else importlib.metadata.version(name)

    checks = look(settings_of(tmp_path), version_of=version_of)
    assert checks["ipywidgets"] == Check("ipywidgets", "fail", "not installed", 'pip install "ipywidgets>=8.1"')
    assert checks["ipykernel"] == Check(
        "ipykernel", "fail", "6.0, and >=6.29 is needed", 'pip install "ipykernel>=6.29"'
    )
    assert checks["jupyterlab"].level == "ok"


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands here")
    check = look(settings_of(tmp_path))["data folder"]
    assert (check.level, check.fix) == (
        "fail",
        "make it writable, or point FLASH_JUPYTER_HOME to a folder that is",
    )
