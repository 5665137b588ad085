from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flash_jupyter.build.docker import (
    PROTOCOL,
    is_left_behind,
    make_mark,
    process_place,
    require_docker,
    worker_command,
)
from flash_jupyter.errors import BuildError

ARCHIVE = Path("/projects/shop/.flash/artifact.tar.gz")
NAMED = " ".join(f"--env {name}" for name in (*PROTOCOL, "FLASH_RESOURCE_NAME", "MODE"))
COMMON = (
    "HOME=/home/tester exec docker run --rm --init --label flash-preview=7:1.00:ab12 "
    f"--volume {ARCHIVE}:/root/.runpod/artifact.tar.gz:ro {NAMED}"
)


def command(*, is_balanced: bool, archive: Path = ARCHIVE) -> list[str]:
    image, variables, home = "runpod/flash-cpu:py3.12-latest", ["FLASH_RESOURCE_NAME", "MODE"], Path("/home/tester")
    text = worker_command(image, archive, variables, "7:1.00:ab12", is_balanced=is_balanced, home=home)
    return shlex.split(text)


def test_a_queues_worker_shares_the_network_of_the_machine() -> None:
    assert command(is_balanced=False) == ["sh", "-c", f"{COMMON} --network host runpod/flash-cpu:py3.12-latest"]


def test_a_load_balancers_worker_listens_on_the_port_that_it_is_given() -> None:
    ports = '--publish "127.0.0.1:$PORT:80" --env PORT=80 --env PORT_HEALTH=80'
    assert command(is_balanced=True) == ["sh", "-c", f"{COMMON} {ports} runpod/flash-cpu:py3.12-latest"]


def test_a_path_with_a_blank_is_one_word() -> None:
    _, _, line = command(is_balanced=False, archive=Path("/my projects/a.tar.gz"))
    assert "/my projects/a.tar.gz:/root/.runpod/artifact.tar.gz:ro" in shlex.split(line)


def test_without_docker_the_error_says_what_to_do() -> None:
    with pytest.raises(BuildError) as raised:
        require_docker(find=lambda _name: None)
    assert str(raised.value) == (
        "there is no docker on this machine\n  → install Docker, or preview without it: flash build --preview"
    )


HERE = process_place()
MARKS = [
    ("a process of this place that is gone", f"{HERE}:999999999:1.00:ab12", True),
    ("this process", make_mark(), False),
    ("a process of another machine or container", "attic.4026531836:999999999:1.00:ab12", False),
    ("a mark without a place", "999999999:1.00:ab12", False),
    ("numbers that are none", f"{HERE}:pid:now:ab12", False),
    ("a number that no process has", f"{HERE}:-1:1.00:ab12", False),
    ("something else", "mine", False),
    ("nothing", "", False),
]


@pytest.mark.parametrize(("mark", "is_left"), [case[1:] for case in MARKS], ids=[case[0] for case in MARKS])
def test_only_containers_of_processes_that_ended_here_are_left_behind(mark: str, is_left: bool) -> None:
    assert is_left_behind(mark, HERE) is is_left


def test_the_mark_of_a_process_that_was_killed_is_left_behind() -> None:
    code = "from flash_jupyter.build.docker import make_mark; print(make_mark(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        mark = process.stdout.readline().decode().strip()
        while_it_runs = is_left_behind(mark, HERE)
        process.kill()
    assert (while_it_runs, is_left_behind(mark, HERE)) == (False, True)
