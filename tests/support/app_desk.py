"""A real embedded Runpod without a rate limit, and what tests of apps put on it: environments, endpoints, volumes."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from emulated import RealServer

from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.settings import Settings, read_settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.upload import upload_file

T = TypeVar("T")


class AppServer:
    """The server of a home, and settings that lead to it."""

    def __init__(self, home: Path) -> None:
        (home / "local").mkdir(parents=True)
        self.environ = {
            "FLASH_JUPYTER_HOME": str(home),
            "FLASH_JUPYTER_BACKEND": "local",
            "FLASH_JUPYTER_OWNER": "ann",
        }
        self.server = RealServer(home / "local")

    @property
    def settings(self) -> Settings:
        return read_settings(self.environ, project=self.server.folder)

    def on(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """Do something over a link of its own."""

        async def main() -> T:
            links = Links(self.settings)
            try:
                return await work(links.open("local"))
            finally:
                await links.aclose()

        return asyncio.run(main())

    def environment(self, app: str, name: str) -> str:
        """Make an environment, and its app where there is none; returns its id."""

        async def make(link: Link) -> str:
            apps = Apps(link.http)
            found = {each.name: each.id for each in await apps.apps()}
            app_id = found.get(app) or (await apps.create_app(app)).id
            return (await apps.create_environment(app_id, name)).id

        return self.on(make)

    def endpoint(self, name: str, app: str, environment: str, environment_id: str, **changes: Any) -> str:
        """Make a CPU queue in an environment, with the labels of a deployed one; returns its id."""
        labels = {
            "FLASH_APP": app,
            "FLASH_ENV": environment,
            "FLASH_ENVIRONMENT_ID": environment_id,
            "FLASH_JUPYTER_OWNER": "ann",
            "FLASH_JUPYTER_BUILD": "b1",
        }
        body: dict[str, Any] = {
            "name": name,
            "type": "QB",
            "instanceIds": ["cpu3g-2-8"],
            "workersMin": 0,
            "workersMax": 1,
            "idleTimeout": 5,
            "scalerType": "QUEUE_DELAY",
            "scalerValue": 4,
            "flashEnvironmentId": environment_id,
            "template": {
                "name": name,
                "imageName": "runpod/flash-cpu:latest",
                "containerDiskInGb": 20,
                "env": [{"key": key, "value": value} for key, value in labels.items()],
            },
            **changes,
        }

        async def make(link: Link) -> str:
            return (await Apps(link.http).save_endpoint(body)).id

        return self.on(make)

    def volume(self, name: str) -> str:
        """Make a network volume of 10 GB; returns its id."""
        return str(self._post("network-volumes", name=name, size=10, dataCenter="EU-RO-1")["id"])

    def template(self, name: str, env: dict[str, str]) -> str:
        """Make a template; returns its id."""
        return str(self._post("templates", name=name, image="runpod/flash-cpu:latest", env=env, serverless=True)["id"])

    def build(self, app: str, manifest: dict[str, Any], *environment_ids: str) -> str:
        """Upload a small artifact, and make it what these environments run; returns the build's id."""
        artifact = self.server.folder / "artifact.tar.gz"
        with tarfile.open(artifact, "w:gz"):
            pass

        async def make(link: Link) -> str:
            apps = Apps(link.http)
            app_id = (await apps.app(app)).id
            place = await apps.prepare_upload(app_id, artifact.stat().st_size)
            await upload_file(place.url, artifact)
            build = await apps.finalize_upload(app_id, place.object_key, manifest)
            for each in environment_ids:
                await apps.deploy(each, build.id)
            return build.id

        return self.on(make)

    def fault(self, kind: str, **where: str) -> None:
        """Let requests fail until the faults are cleared."""
        LocalAdmin(self.settings).set_fault(kind, **where)

    def clear_faults(self) -> None:
        LocalAdmin(self.settings).clear_faults()

    def listed(self, path: str, member: str = "") -> list[str]:
        """The names of the platform's own listing."""
        return sorted(each["name"] for each in self._get(path, member))

    def ids(self, path: str, member: str = "") -> list[str]:
        """The ids of the platform's own listing."""
        return [each["id"] for each in self._get(path, member)]

    def _get(self, path: str, member: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.server.client.get(f"/v2/{path}").json()[member or path]
        return listed

    def _post(self, path: str, **body: Any) -> Any:
        answer = self.server.client.post(f"/v2/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()
