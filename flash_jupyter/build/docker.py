"""Workers of a preview in containers of their images, `--preview=docker`: the command lines (pure), and Docker itself.

The embedded Runpod starts a container where it would start a process. Containers share the machine's network, as the
embedded Runpod listens on 127.0.0.1 only; Docker Desktop needs host networking switched on for that. A load balancer's
has a network of its own, for its image listens on port 80: it can't call other resources.
"""

from __future__ import annotations

import platform
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from flash_jupyter.errors import BuildError
from flash_jupyter.processes import lives, mark_of_this

#: where an image looks for the artifact (flash-wire.md 4.9), and where a load balancer's server listens (4.3)
ARTIFACT, PORT = "/root/.runpod/artifact.tar.gz", 80
LABEL = "flash-preview"
#: what the worker protocol says to a process, and a container must be told (runpod-platform.md 1.2)
PROTOCOL = (
    *("RUNPOD_WEBHOOK_GET_JOB", "RUNPOD_WEBHOOK_POST_OUTPUT", "RUNPOD_WEBHOOK_POST_STREAM", "RUNPOD_WEBHOOK_PING"),
    *("RUNPOD_AI_API_KEY", "RUNPOD_POD_ID", "RUNPOD_POD_HOSTNAME", "RUNPOD_ENDPOINT_ID", "RUNPOD_PING_INTERVAL"),
    *("RUNPOD_API_BASE_URL", "RUNPOD_ENDPOINT_BASE_URL", "RUNPOD_REST_API_URL"),
)
REMOVE_S = 60.0


def make_mark() -> str:
    """Return the label of a preview's containers, `PLACE:PID:CREATED:TOKEN`; it says which process they end with.

    A process is named as the preview's app names it (`emulator/apps.py`).
    """
    return f"{process_place()}:{mark_of_this()}:{secrets.token_hex(2)}"


def process_place() -> str:
    """Return where the process ids of this process mean something: several machines and containers may share an engine.

    Linux tells the machine's boot and the namespace of the process ids; elsewhere it is the machine's name.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return platform.node()


def worker_command(
    image: str, archive: Path, variables: Iterable[str], mark: str, *, is_balanced: bool, home: Path
) -> str:
    """Return what the embedded Runpod runs as a worker: a container that gets these variables from its environment.

    A shell reads it: a load balancer's port is known only when its worker starts. `home` is the user's: a worker has
    another one, where neither Docker's contexts are nor the images of a Podman without root.
    """
    words = ["docker", "run", "--rm", "--init", "--label", f"{LABEL}={mark}"]
    words += ["--volume", f"{archive}:{ARTIFACT}:ro"]
    for name in (*PROTOCOL, *variables):
        words += ["--env", name]
    if is_balanced:
        ports = f'--publish "127.0.0.1:$PORT:{PORT}" --env PORT={PORT} --env PORT_HEALTH={PORT}'
    else:
        ports = "--network host"
    line = f"HOME={shlex.quote(str(home))} exec {shlex.join(words)} {ports} {shlex.quote(image)}"
    return shlex.join(["sh", "-c", line])


def require_docker(find: Callable[[str], str | None] = shutil.which) -> None:
    """Raise `BuildError` where there is no Docker, or none that answers."""
    docker = find("docker")
    if docker is None:
        raise BuildError(
            "there is no docker on this machine", fix="install Docker, or preview without it: flash build --preview"
        )
    if _run([docker, "info"]).returncode:
        raise BuildError("docker does not answer", fix="start Docker, or preview without it: flash build --preview")


def remove_containers(mark: str) -> None:
    """Remove what a preview's containers left; a worker's end leaves its container running."""
    _remove([container for container, label in _labelled() if label == mark])


def remove_left_behind() -> None:
    """Remove the containers of previews whose process was killed; what was started elsewhere is left alone."""
    here = process_place()
    _remove([container for container, label in _labelled() if is_left_behind(label, here)])


def _labelled() -> list[tuple[str, str]]:
    """Id and label of every container of a preview."""
    found = _run(["docker", "ps", "--all", "--quiet", "--filter", f"label={LABEL}"]).stdout.split()
    form = f'{{{{.Id}}}} {{{{index .Config.Labels "{LABEL}"}}}}'
    lines = _run(["docker", "inspect", "--format", form, *found]).stdout.splitlines() if found else []
    return [(container, label) for container, _, label in (line.partition(" ") for line in lines)]


def is_left_behind(mark: str, here: str) -> bool:
    """Whether a mark is of a process that was `here`, and is gone; one that can't be read is not ours.

    >>> is_left_behind("desk:999999999:1.00:ab12", "desk"), is_left_behind("desk:999999999:1.00:ab12", "attic")
    (True, False)
    """
    try:
        place, pid, created, _ = mark.rsplit(":", 3)
        return place == here and not lives(pid, created)
    except ValueError:
        return False


def _remove(containers: list[str]) -> None:
    if containers:
        _run(["docker", "rm", "--force", *containers])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=REMOVE_S, check=False
    )
