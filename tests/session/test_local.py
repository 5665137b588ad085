"""The embedded Runpod's life as its clients see it; each test has a folder and a server of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from flash_jupyter._version import __version__
from flash_jupyter.errors import EmulatorError, SettingsError
from flash_jupyter.session.local import LocalInfo, ensure_local, local_info, start_local, stop_local
from flash_jupyter.settings import Settings, read_settings

pytestmark = pytest.mark.journey


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")}, project=tmp_path)
    yield settings
    stop_local(settings)


def running(settings: Settings) -> LocalInfo:
    info = local_info(settings)
    assert info is not None
    return info


def test_it_is_started_on_first_use_and_found_again(settings: Settings) -> None:
    assert local_info(settings) is None
    backend = ensure_local(settings)
    assert backend.name == "local"
    assert backend.endpoint_url == f"{backend.api_url}/v2"
    answer = httpx.get(f"{backend.api_url}/v2/serverless", headers={"Authorization": f"Bearer {backend.api_key}"})
    assert answer.json() == {"endpoints": []}
    assert ensure_local(settings) == backend
    assert running(settings).version == __version__


def test_the_key_is_in_no_representation(settings: Settings) -> None:
    backend = ensure_local(settings)
    assert backend.api_key not in repr(backend) + repr(running(settings))


def test_an_interrupt_of_the_kernel_does_not_reach_it(settings: Settings) -> None:
    ensure_local(settings)
    pid = running(settings).pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_many_threads_start_one(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as threads:
        backends = list(threads.map(lambda _: ensure_local(settings), range(8)))
    assert len({backend.api_url for backend in backends}) == 1


def test_two_kernels_at_the_same_moment_start_one(settings: Settings) -> None:
    code = (
        "import sys; from flash_jupyter.settings import read_settings; from flash_jupyter.session.local import *\n"
        "s = read_settings({'FLASH_JUPYTER_HOME': sys.argv[1]}); ensure_local(s); print(local_info(s).pid)"
    )
    kernels = [
        subprocess.Popen([sys.executable, "-c", code, str(settings.home)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    pids = {kernel.communicate(timeout=30)[0] for kernel in kernels}
    assert pids == {f"{running(settings).pid}\n"}


def test_stop_ends_it_and_says_whether_there_was_one(settings: Settings) -> None:
    ensure_local(settings)
    assert stop_local(settings) is True
    assert local_info(settings) is None
    assert stop_local(settings) is False


def test_one_that_was_killed_is_started_anew_with_the_same_address_and_key(settings: Settings) -> None:
    before = ensure_local(settings)
    os.kill(running(settings).pid, signal.SIGKILL)
    assert ensure_local(settings) == before


def test_a_stale_info_file_of_a_process_that_is_gone_is_not_believed(settings: Settings) -> None:
    ensure_local(settings)
    pid = running(settings).pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while local_info(settings) is not None:
        assert time.monotonic() < deadline
    assert (settings.local_dir / "info.json").exists()
    ensure_local(settings)
    assert running(settings).pid != pid


def test_a_stale_info_file_whose_pid_is_another_process_by_now_is_not_believed(settings: Settings) -> None:
    settings.local_dir.mkdir(parents=True)
    stale = {
        "url": "http://127.0.0.1:9",
        "api_key": "k",
        "pid": os.getpid(),
        "created": 1.0,
        "version": __version__,
        "started_at": "2026-01-01T00:00:00Z",
    }
    (settings.local_dir / "info.json").write_text(json.dumps(stale))
    assert local_info(settings) is None
    assert ensure_local(settings).api_url != "http://127.0.0.1:9"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 1}'])
def test_a_broken_info_file_is_not_believed(settings: Settings, content: str) -> None:
    settings.local_dir.mkdir(parents=True)
    (settings.local_dir / "info.json").write_text(content)
    assert local_info(settings) is None
    ensure_local(settings)


def test_one_of_another_version_is_replaced(settings: Settings) -> None:
    before = ensure_local(settings)
    path = settings.local_dir / "info.json"
    info = json.loads(path.read_text())
    path.write_text(json.dumps({**info, "version": "0.0.1"}))
    code = (
        "import sys; from flash_jupyter.settings import read_settings; from flash_jupyter.session.local import *\n"
        "ensure_local(read_settings({'FLASH_JUPYTER_HOME': sys.argv[1]}))"
    )
    subprocess.run([sys.executable, "-c", code, str(settings.home)], check=True)
    now = running(settings)
    assert (now.version, now.url, now.api_key) == (__version__, before.api_url, before.api_key)
    assert now.pid != info["pid"]
    assert stop_local(settings) is True  # the new one, which this process has never seen
    assert local_info(settings) is None


def test_a_file_in_the_place_of_the_data_folder_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    settings = read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")}, project=tmp_path)
    with pytest.raises(SettingsError) as error:
        ensure_local(settings)
    assert str(error.value) == (
        f"the data folder {tmp_path / 'home' / 'local'} can't be used: Not a directory\n"
        "  → set FLASH_JUPYTER_HOME to a folder that can be written, or remove what stands in its place"
    )


def test_a_server_that_dies_at_its_start_shows_its_last_lines(settings: Settings) -> None:
    settings.local_dir.mkdir(parents=True)
    (settings.local_dir / "emulator.sqlite").write_text("this is no database, and it is long enough to be read as one")
    with pytest.raises(EmulatorError) as error:
        ensure_local(settings)
    assert "the embedded Runpod ended with exit code 1" in str(error.value)
    store = settings.local_dir / "emulator.sqlite"
    assert f"the embedded Runpod's store can't be used: {store}: file is not a database" in str(error.value)
    assert error.value.fix == f"its whole log is {settings.local_dir / 'server.log'}; `flash local start` tries again"


def test_a_port_that_is_taken_is_a_clear_error(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError) as error:
            start_local(settings, port=port)
    assert f"port {port} can't be used: Address already in use" in str(error.value)


def test_another_port_than_the_running_ones_is_refused(settings: Settings) -> None:
    backend = ensure_local(settings)
    port = int(backend.api_url.rpartition(":")[2])
    assert start_local(settings, port=port).url == backend.api_url
    with pytest.raises(EmulatorError) as error:
        start_local(settings, port=port + 1)
    assert str(error.value).startswith(f"an embedded Runpod already runs at {backend.api_url}")


def test_the_variables_point_the_official_clients_at_it() -> None:
    info = LocalInfo("http://127.0.0.1:5", "k", 1, 1.0, "1", "2026-01-01T00:00:00Z")
    assert info.env() == {
        "RUNPOD_API_KEY": "k",
        "RUNPOD_API_BASE_URL": "http://127.0.0.1:5",
        "RUNPOD_ENDPOINT_BASE_URL": "http://127.0.0.1:5/v2",
        "RUNPOD_REST_API_URL": "http://127.0.0.1:5/v1",
        "RUNPOD_HAPI_URL": "http://127.0.0.1:5",
    }


def test_a_server_that_is_only_starting_is_stopped_too(settings: Settings) -> None:
    """Its starter was killed, as a kernel is that shuts down at once: nobody would know of it."""
    settings.local_dir.mkdir(parents=True)
    command = [sys.executable, "-m", "flash_jupyter.emulator", "--dir", str(settings.local_dir)]
    with subprocess.Popen(command) as server:
        assert stop_local(settings)
        server.wait(60)
    assert local_info(settings) is None


def test_stopping_where_there_never_was_one_makes_no_folder(settings: Settings) -> None:
    assert not stop_local(settings)
    assert not settings.local_dir.exists()
