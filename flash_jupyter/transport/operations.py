"""The GraphQL documents that we send: names, root fields, variables and selections of flash-wire reference 1.2."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One document; `path` leads from `data` to what was asked for."""

    name: str
    text: str
    path: tuple[str, ...]

    @property
    def is_mutation(self) -> bool:
        """Whether it may have an effect, so that it is never repeated."""
        return self.text.startswith("mutation")


def _operation(text: str, *path: str) -> Operation:
    """Read the name out of the text, and put it on one line."""
    one_line = " ".join(text.split())
    return Operation(one_line.split()[1].partition("(")[0], one_line, path)


ENVIRONMENT_FIELDS = "id name state activeBuildId createdAt"

APPS = _operation(
    """query getFlashApps {
        myself { flashApps {
            id name
            flashEnvironments { id name state createdAt activeBuildId }
            flashBuilds { id createdAt }
        } }
    }""",
    "myself",
    "flashApps",
)
APP_BY_NAME = _operation(
    f"""query getFlashAppByName($flashAppName: String!) {{
        flashAppByName(flashAppName: $flashAppName) {{
            id name
            flashEnvironments {{ {ENVIRONMENT_FIELDS} }}
            flashBuilds {{ id objectKey createdAt }}
        }}
    }}""",
    "flashAppByName",
)
CREATE_APP = _operation(
    "mutation createFlashApp($input: CreateFlashAppInput!) { createFlashApp(input: $input) { id name } }",
    "createFlashApp",
)
DELETE_APP = _operation(
    "mutation deleteFlashApp($flashAppId: String!) { deleteFlashApp(flashAppId: $flashAppId) }",
    "deleteFlashApp",
)
BUILDS = _operation(
    """query listFlashBuilds($flashAppId: String!) {
        flashApp(flashAppId: $flashAppId) { flashBuilds { id objectKey createdAt } }
    }""",
    "flashApp",
    "flashBuilds",
)
ENVIRONMENTS = _operation(
    f"""query listFlashEnvironments($flashAppId: String!) {{
        flashApp(flashAppId: $flashAppId) {{ flashEnvironments {{ {ENVIRONMENT_FIELDS} }} }}
    }}""",
    "flashApp",
    "flashEnvironments",
)
ENVIRONMENT = _operation(
    f"""query getFlashEnvironment($flashEnvironmentId: String!) {{
        flashEnvironment(flashEnvironmentId: $flashEnvironmentId) {{
            {ENVIRONMENT_FIELDS} endpoints {{ id name }} networkVolumes {{ id name }}
        }}
    }}""",
    "flashEnvironment",
)
ENVIRONMENT_BY_NAME = _operation(
    """query getFlashEnvironmentByName($input: FlashEnvironmentByNameInput!) {
        flashEnvironmentByName(input: $input) {
            id name state activeBuildId endpoints { id name } networkVolumes { id name }
        }
    }""",
    "flashEnvironmentByName",
)
CREATE_ENVIRONMENT = _operation(
    """mutation createFlashEnvironment($input: CreateFlashEnvironmentInput!) {
        createFlashEnvironment(input: $input) { id name }
    }""",
    "createFlashEnvironment",
)
DELETE_ENVIRONMENT = _operation(
    """mutation deleteFlashEnvironment($flashEnvironmentId: String!) {
        deleteFlashEnvironment(flashEnvironmentId: $flashEnvironmentId)
    }""",
    "deleteFlashEnvironment",
)
PREPARE_UPLOAD = _operation(
    """mutation PrepareArtifactUpload($input: PrepareFlashArtifactUploadInput!) {
        prepareFlashArtifactUpload(input: $input) { uploadUrl objectKey expiresAt }
    }""",
    "prepareFlashArtifactUpload",
)
FINALIZE_UPLOAD = _operation(
    """mutation FinalizeArtifactUpload($input: FinalizeFlashArtifactUploadInput!) {
        finalizeFlashArtifactUpload(input: $input) { id manifest }
    }""",
    "finalizeFlashArtifactUpload",
)
BUILD = _operation(
    "query getFlashBuild($input: String!) { flashBuild(flashBuildId: $input) { id manifest } }",
    "flashBuild",
)
UPDATE_MANIFEST = _operation(
    """mutation updateFlashBuildManifest($input: UpdateFlashBuildManifestInput!) {
        updateFlashBuildManifest(input: $input) { id manifest }
    }""",
    "updateFlashBuildManifest",
)
DEPLOY_BUILD = _operation(
    """mutation deployBuildToEnvironment($input: DeployBuildToEnvironmentInput!) {
        deployBuildToEnvironment(input: $input) { id name activeArtifact { objectKey downloadUrl expiresAt } }
    }""",
    "deployBuildToEnvironment",
)
SAVE_ENDPOINT = _operation(
    """mutation saveEndpoint($input: EndpointInput!) {
        saveEndpoint(input: $input) {
            id name type templateId gpuIds instanceIds flashEnvironmentId workersMin workersMax
        }
    }""",
    "saveEndpoint",
)
DELETE_ENDPOINT = _operation(
    "mutation deleteEndpoint($id: String!) { deleteEndpoint(id: $id) }",
    "deleteEndpoint",
)
