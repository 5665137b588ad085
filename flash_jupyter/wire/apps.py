"""GraphQL: flash apps, their environments and builds, and endpoints as `saveEndpoint` gives them back.

The fields are those that runpod-flash 1.0.0 and 1.21.0 select (flash-wire reference, 1.2 and 1.3). Presigned URLs are
keys: no model shows them in its repr.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from flash_jupyter.wire.control import Wire


class Named(Wire):
    """Something with an id and a name."""

    id: str
    name: str = ""


class Build(Wire):
    """An uploaded artifact; `object_key` is where it lies."""

    id: str
    object_key: str | None = Field(default=None, alias="objectKey")
    created_at: str | None = Field(default=None, alias="createdAt")


class FinishedBuild(Wire):
    """A build with its manifest, as `finalizeFlashArtifactUpload` and `flashBuild` give it."""

    id: str
    manifest: dict[str, Any] | None = None


class Environment(Named):
    """One stage of an app; `state` is PENDING, DEPLOYING or HEALTHY, and whatever else the platform says."""

    state: str | None = None
    active_build_id: str | None = Field(default=None, alias="activeBuildId")
    created_at: str | None = Field(default=None, alias="createdAt")
    endpoints: tuple[Named, ...] = ()
    network_volumes: tuple[Named, ...] = Field(default=(), alias="networkVolumes")


class App(Named):
    """An app with what it has."""

    environments: tuple[Environment, ...] = Field(default=(), alias="flashEnvironments")
    builds: tuple[Build, ...] = Field(default=(), alias="flashBuilds")


class Upload(Wire):
    """Where an artifact may be put, and until when."""

    url: str = Field(alias="uploadUrl", repr=False)
    object_key: str = Field(alias="objectKey")
    expires_at: str | None = Field(default=None, alias="expiresAt")


class Artifact(Wire):
    """What an environment runs now."""

    object_key: str | None = Field(default=None, alias="objectKey")
    url: str | None = Field(default=None, alias="downloadUrl", repr=False)
    expires_at: str | None = Field(default=None, alias="expiresAt")


class Deployed(Named):
    """An environment that got a build."""

    active_artifact: Artifact | None = Field(default=None, alias="activeArtifact")


class SavedEndpoint(Named):
    """An endpoint as `saveEndpoint` returns it."""

    type: str | None = None
    template_id: str | None = Field(default=None, alias="templateId")
    instance_ids: tuple[str, ...] | None = Field(default=None, alias="instanceIds")
    environment_id: str | None = Field(default=None, alias="flashEnvironmentId")
    workers_min: int = Field(default=0, alias="workersMin")
    workers_max: int = Field(default=0, alias="workersMax")


class GraphQLProblem(Wire):
    """One member of `errors`."""

    message: str = ""


class GraphQLAnswer(Wire):
    """A GraphQL response; the presence of `errors`, however few, is a failure (flash-wire reference, 1.1)."""

    data: dict[str, Any] | None = None
    errors: tuple[GraphQLProblem, ...] | None = None

    @property
    def problem(self) -> str:
        """All messages, joined; empty where all is well."""
        if self.errors is None:
            return ""
        return "; ".join(filter(None, (error.message for error in self.errors))) or "an error without a message"
