"""The operations on flash apps, environments, builds and artifacts (flash-wire.md 1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.artifacts import Artifacts
from flash_jupyter.emulator.graphql import Arguments, Resolver, field
from flash_jupyter.emulator.graphql.endpoint_operations import EndpointOperations
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import FlashApp, FlashBuild, FlashEnvironment, Resource
from flash_jupyter.emulator.volumes import Volumes


class AppOperations:
    """Apps over GraphQL."""

    def __init__(
        self,
        apps: Apps,
        artifacts: Artifacts,
        volumes: Volumes,
        endpoints: EndpointOperations,
        clock: Callable[[], float],
    ) -> None:
        self._apps, self._artifacts, self._volumes = apps, artifacts, volumes
        self._endpoints, self._clock = endpoints, clock

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        apps, show_app, show_environment = self._apps, self._show_app, self._show_environment
        with_input: dict[str, Resolver] = {
            "createFlashApp": lambda sent: show_app(apps.create_app(sent["name"])),
            "flashEnvironmentByName": lambda sent: show_environment(
                apps.environment_named(sent["flashAppId"], sent["name"])
            ),
            "createFlashEnvironment": lambda sent: show_environment(
                apps.create_environment(sent["flashAppId"], sent["name"])
            ),
            "updateFlashEnvironment": lambda sent: show_environment(
                apps.set_status(sent["flashEnvironmentId"], sent["status"])
            ),
            "deployBuildToEnvironment": lambda sent: show_environment(
                apps.deploy(sent["flashEnvironmentId"], sent["flashBuildId"])
            ),
            "addNetworkVolumeToFlashEnvironment": self._add_volume,
            "prepareFlashArtifactUpload": self._prepare,
            "finalizeFlashArtifactUpload": lambda sent: _show_build(
                apps.finalize(sent["flashAppId"], sent["objectKey"], _checked_manifest(sent["manifest"]))
            ),
            "updateFlashBuildManifest": lambda sent: _show_build(
                apps.set_manifest(sent["flashBuildId"], _checked_manifest(sent["manifest"]))
            ),
        }
        return {
            **{name: _of_input(resolver) for name, resolver in with_input.items()},
            "flashApp": lambda sent: show_app(apps.app(sent["flashAppId"])),
            "flashAppByName": lambda sent: show_app(apps.app_named(sent["flashAppName"])),
            "deleteFlashApp": lambda sent: apps.delete_app(sent["flashAppId"]),
            "flashEnvironment": lambda sent: show_environment(apps.environment(sent["flashEnvironmentId"])),
            "deleteFlashEnvironment": lambda sent: apps.delete_environment(sent["flashEnvironmentId"]),
            "flashBuild": lambda sent: _show_build(apps.build(sent["flashBuildId"])),
        }

    def all(self, _: Arguments) -> list[dict[str, Any]]:
        """`myself{flashApps}`."""
        return [self._show_app(app) for app in self._apps.all()]

    # --- showing -----------------------------------------------------------------------------------------------

    def _show_app(self, app: FlashApp) -> dict[str, Any]:
        environments, builds = self._apps.environments, self._apps.builds
        return {
            "id": app.id,
            "name": app.name,
            "createdAt": show_time(app.created_at),
            "flashEnvironments": field(lambda _: [self._show_environment(each) for each in environments(app)]),
            "flashBuilds": field(lambda _: [_show_build(build) for build in builds(app)]),
        }

    def _show_environment(self, environment: FlashEnvironment) -> dict[str, Any]:
        endpoints = self._apps.endpoints
        return {
            "id": environment.id,
            "name": environment.name,
            "flashAppId": environment.app_id,
            "state": field(lambda _: self._apps.state(environment)),
            "createdAt": show_time(environment.created_at),
            "activeBuildId": environment.build_id,
            "activeArtifact": field(lambda _: self._show_artifact(environment)),
            "endpoints": field(lambda _: [self._endpoints.show(each) for each in endpoints(environment)]),
            "networkVolumes": field(lambda _: self._show_volumes(environment)),
        }

    def _show_artifact(self, environment: FlashEnvironment) -> dict[str, Any] | None:
        if environment.build_id is None:
            return None
        key = self._apps.build(environment.build_id).object_key
        expires_at = self._clock() + limits.DOWNLOAD_URL_S
        url = self._artifacts.presign("GET", key, expires_at)
        return {"objectKey": key, "downloadUrl": url, "expiresAt": show_time(expires_at)}

    # --- what takes an input -----------------------------------------------------------------------------------

    def _add_volume(self, sent: Arguments) -> dict[str, Any]:
        volume = self._volumes.find(sent["networkVolumeId"])
        environment = self._apps.add_volume(sent["flashEnvironmentId"], volume.id)
        return _show_volume(volume, environment)

    def _show_volumes(self, environment: FlashEnvironment) -> list[dict[str, Any]]:
        """Return those that were added and still exist."""
        volumes = [volume for volume in self._volumes.all() if volume.id in environment.volumes]
        return [_show_volume(volume, environment) for volume in volumes]

    def _prepare(self, sent: Arguments) -> dict[str, Any]:
        """`prepareFlashArtifactUpload` - a URL that takes the artifact without a key."""
        upload = self._apps.prepare_upload(sent["flashAppId"], sent["tarballSize"])
        url = self._artifacts.presign("PUT", upload.object_key, upload.expires_at)
        return {"uploadUrl": url, "objectKey": upload.object_key, "expiresAt": show_time(upload.expires_at)}


def _of_input(resolver: Resolver) -> Resolver:
    return lambda arguments: resolver(arguments["input"])


def _show_build(build: FlashBuild) -> dict[str, Any]:
    return {
        "id": build.id,
        "flashAppId": build.app_id,
        "objectKey": build.object_key,
        "createdAt": show_time(build.created_at),
        "manifest": build.manifest,
    }


def _show_volume(volume: Resource, environment: FlashEnvironment) -> dict[str, Any]:
    return {"id": volume.id, "name": volume.document["name"], "flashEnvironmentId": environment.id}


def _checked_manifest(manifest: Any) -> dict[str, Any]:
    if not isinstance(manifest, dict):
        raise Problem(400, "the manifest must be a JSON object")
    return manifest
