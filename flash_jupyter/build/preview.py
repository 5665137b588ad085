"""A bundle on the embedded Runpod, before anything is deployed: every resource, as it would be unpacked there.

Its app carries the name of our process (`emulator/apps.py`): what a crash leaves behind is removed a second later.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from flash_jupyter.build.asking import Served, curl, url_of
from flash_jupyter.build.docker import make_mark, remove_containers, remove_left_behind, require_docker, worker_command
from flash_jupyter.build.manifest import Manifest, Resource
from flash_jupyter.build.standins import lacks_torch, stand_in
from flash_jupyter.errors import ApiError, BuildError
from flash_jupyter.processes import mark_of_this
from flash_jupyter.resources.endpoint import CREATED, EXPIRES, INTERPRETER, OWNER, RESERVED, timestamp
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local_admin import ensure_runtime_secret
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.loop import LoopThread, within
from flash_jupyter.transport.queue import Queue
from flash_jupyter.transport.upload import upload_file
from flash_jupyter.wire.control import Endpoint, RequestUrls

ENVIRONMENT = "preview"
#: the embedded Runpod's secret with the key by which previewed functions call each other
SECRET = "flash_preview_key"
#: whose endpoint it is, for who lists them
LABEL = f"{RESERVED}PREVIEW"
#: what a preview that nobody ends may live, if not its process ends before
TTL = timedelta(hours=12)
CPU_IMAGE, CPU, GPU = "runpod/flash-cpu:latest", "cpu3g-2-8", "ADA_24"

Tell = Callable[[str], None]
#: what no handler has: that this is said shows that the module was imported, and nothing of it runs
PROBE = {"execution_type": "function", "function_name": "preview: ready?", "serialization_format": "json"}
PROBE_PATH = "/preview-ready"
START_S = 300.0
_LOOK_S = 0.1
_DID_NOT_START = re.compile(r"worker lost: \d+ workers in a row did not start; worker \w+ (.*)", re.DOTALL)


class Preview:
    """The endpoints of one bundle on the embedded Runpod; a context: they are removed at its end, however it ends.

    `in_docker` runs the workers in containers of their images, else they are processes of this machine.
    """

    def __init__(self, archive: Path, manifest: Manifest, settings: Settings, *, in_docker: bool = False) -> None:
        self._archive, self._manifest, self._settings = archive.resolve(), manifest, settings
        self._in_docker = in_docker
        self._links, self._loop = Links(settings), LoopThread("flash_jupyter preview")
        self._mark = make_mark()
        self._made: list[str] = []
        self._app: str | None = None

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, tell: Tell = lambda _text: None) -> tuple[Served, ...]:
        """Make the endpoints and wait until a worker of each has imported its module; `tell` gets what takes time.

        Blocking. Raises `BuildError` with the worker's last lines where one can't, and `ApiError`s.
        """
        interpreters: dict[str, str] = {}
        if self._in_docker:
            require_docker()
            remove_left_behind()
        else:
            tell("preparing the workers' environment")
            interpreters = {name: self._interpreter(resource) for name, resource in self._manifest.resources.items()}
        link = self._links.open("local")
        tell("unpacking the bundle on the embedded Runpod")
        served = self._loop.call(self._start(link, interpreters))
        tell("starting a worker of each resource")
        self._loop.call(self._wait(link, served))
        return served

    def close(self) -> list[str]:
        """Remove everything, and look whether it is gone; returns the names that were removed.

        Raises `ApiError` where an endpoint is still listed. May be called again.
        """
        if self._app is None and not self._made:
            self._loop.close(self._links.aclose)
            return []
        try:
            return self._loop.call(self._remove(self._links.open("local")))
        finally:
            self._loop.close(self._links.aclose)
            if self._in_docker:
                remove_containers(self._mark)

    def _interpreter(self, resource: Resource) -> str:
        image, python = resource.imageName or CPU_IMAGE, resource.target_python_version or self._manifest.python_version
        return str(stand_in(image, python, self._settings.cache))

    async def _start(self, link: Link, interpreters: dict[str, str]) -> tuple[Served, ...]:
        apps = Apps(link.http)
        self._app = (await apps.create_app(app_name(self._manifest.project_name))).id
        environment = await apps.create_environment(self._app, ENVIRONMENT)
        place = await apps.prepare_upload(self._app, self._archive.stat().st_size)
        await upload_file(place.url, self._archive)
        build = await apps.finalize_upload(self._app, place.object_key, self._manifest.model_dump(mode="json"))
        await apps.deploy(environment.id, build.id)
        served = [
            await self._serve(link, apps, environment.id, name, resource, interpreters.get(name))
            for name, resource in self._manifest.resources.items()
        ]
        if any(each.resource.makes_remote_calls for each in served):
            await ensure_runtime_secret(link, SECRET, environment_id=environment.id)
            state = StateManager(apps)
            entries = [(each.name, Deployed(each.endpoint_id, each.url)) for each in served]
            await asyncio.gather(*(state.update(environment.id, *entry) for entry in entries))
        return tuple(served)

    async def _serve(
        self, link: Link, apps: Apps, environment: str, name: str, resource: Resource, interpreter: str | None
    ) -> Served:
        env = {**self._labels(name, resource), "FLASH_ENVIRONMENT_ID": environment}
        env |= {INTERPRETER: interpreter} if interpreter else {}
        if resource.makes_remote_calls:
            env["RUNPOD_API_KEY"] = f"{{{{ RUNPOD_SECRET_{SECRET} }}}}"
        body = endpoint_body(f"{name}-preview-{self._mark.rpartition(':')[2]}", resource, env)
        if self._in_docker:
            image, is_balanced = resource.imageName or CPU_IMAGE, resource.is_load_balanced
            home = Path.home()
            command = worker_command(image, self._archive, env, self._mark, is_balanced=is_balanced, home=home)
            body["template"]["dockerArgs"] = command
        saved = await apps.save_endpoint({**body, "flashEnvironmentId": environment})
        self._made.append(saved.id)
        return Served(name, saved.id, (await link.control.get(saved.id)).base_url, resource)

    def _labels(self, name: str, resource: Resource) -> dict[str, str]:
        """The variables of a deployed worker (flash-wire.md 7.4), and whose endpoint it is."""
        now = datetime.now(timezone.utc)
        kind = {"FLASH_ENDPOINT_TYPE": "lb"} if resource.is_load_balanced else {}
        own = {"FLASH_APP": self._manifest.project_name, "FLASH_ENV": ENVIRONMENT, "FLASH_RESOURCE_NAME": name}
        labels = {
            OWNER: self._settings.owner,
            CREATED: timestamp(now),
            EXPIRES: timestamp(now + TTL),
            LABEL: self._mark,
        }
        user: dict[str, str] = resource.config.get("env") or {}
        return {**user, **own, **kind, **labels}

    async def _wait(self, link: Link, served: tuple[Served, ...]) -> None:
        endpoints = [await link.control.get(each.endpoint_id) for each in served]
        await asyncio.gather(
            *(wait_until_imported(link, each.name, at) for each, at in zip(served, endpoints, strict=True))
        )

    async def _remove(self, link: Link) -> list[str]:
        made = [each for each in await link.control.endpoints() if each.id in self._made]
        removed = await link.provisioner.undeploy(made)
        self._made.clear()
        if self._app is not None:
            await Apps(link.http).delete_app(self._app)
            self._app = None
        return removed


def app_name(project: str) -> str:
    """Return the name of a preview's app: it says which process it ends with (`emulator/apps.py`)."""
    return f"preview:{mark_of_this()}:{project}"


def endpoint_body(name: str, resource: Resource, env: dict[str, str]) -> dict[str, Any]:
    """Return the input of `saveEndpoint` for a resource.

    Hardware says what image it is, nothing more: workers run on what this machine has. Volumes are not attached.
    """
    image = resource.imageName or CPU_IMAGE
    is_balanced = resource.is_load_balanced
    return {
        "name": name,
        "type": "LB" if is_balanced else "QB",
        **({"instanceIds": [CPU]} if "cpu" in image else {"gpuIds": GPU}),
        "workersMin": 0,
        "workersMax": max(1, int(resource.config.get("workersMax") or 1)),
        "idleTimeout": 300,
        "scalerType": "REQUEST_COUNT" if is_balanced else "QUEUE_DELAY",
        "scalerValue": 4,
        "template": {
            "name": name,
            "imageName": image,
            "containerDiskInGb": 20,
            "env": [{"key": key, "value": str(value)} for key, value in env.items()],
        },
    }


def describe(preview: tuple[Served, ...], python: str, *, in_docker: bool = False) -> str:
    """Return the URLs and the lines for a terminal, as the command prints them."""
    lines = []
    for served in preview:
        image = served.resource.imageName or CPU_IMAGE
        lines.append(f"{served.name}  {served.url}")
        if in_docker and served.resource.is_load_balanced and served.resource.makes_remote_calls:
            lines.append("  its container has a network of its own: what it calls on other resources fails here")
        if not in_docker and lacks_torch(image, python):
            lines.append("  its image has torch, this machine has not: what imports it fails here")
        if served.resource.config.get("networkVolume"):
            lines.append("  its volume is not attached in a preview")
        for function in served.functions:
            lines += [f"  {function.name}  {function.verb} {url_of(function, served)}", f"    {curl(function, served)}"]
    lines.append('The key: eval "$(flash local env)"')
    return "\n".join(lines)


async def wait_until_imported(link: Link, name: str, endpoint: Endpoint) -> None:
    """Wait until a worker has imported the module; `name` is the resource.

    Raises `BuildError` with the worker's last lines where none can.
    """
    ask = _ask_queue if endpoint.type == "QUEUE" else _ask_balancer
    try:
        said = await within(ask(link, endpoint), START_S)
    except asyncio.TimeoutError:
        raise BuildError(
            f"no worker of {name} was ready after {START_S:.0f} s", fix="look at its log: flash logs NAME"
        ) from None
    if match := _DID_NOT_START.match(said):
        raise BuildError(f"the workers of {name} do not start: one {match[1]}", fix=_fix(match[1]))


async def _ask_queue(link: Link, endpoint: Endpoint) -> str:
    queue = Queue(link.http, RequestUrls.model_validate(endpoint.request_urls))
    job = await queue.run(json.dumps({"input": PROBE}).encode())
    while not job.status.is_final:
        await asyncio.sleep(_LOOK_S)
        job = await queue.status(job.id)
    return job.error_text


async def _ask_balancer(link: Link, endpoint: Endpoint) -> str:
    try:
        await Balancer(link.http, endpoint.base_url, endpoint.name).request("GET", PROBE_PATH)
    except ApiError as answer:
        return answer.detail
    return ""


def _fix(said: str) -> str:
    """What to do; our own part of the bundle says it already."""
    if "→" in said:
        return ""
    unknown = re.search(r"Unable to find image '([^']+)'", said)
    if unknown:
        return f"look whether the engine gets the image: docker pull {unknown[1]}; without it: flash build --preview"
    missing = re.search(r"No module named '([\w.]+)'", said)
    if missing:
        return f"add the package of {missing[1]} to requirements.txt or deps=, then build again"
    return "mend what its last line says, then build again"
