"""The documents that released clients send, written out from flash-wire.md 1.2 and 1.3: operation name -> text."""

from __future__ import annotations

ENDPOINT = (
    "aiKey gpuIds id idleTimeout locations name networkVolumeId flashEnvironmentId scalerType scalerValue templateId"
    " type userId version workersMax workersMin workersStandby workersPFBTarget gpuCount allowedCudaVersions"
    " executionTimeoutMs instanceIds activeBuildid idePodId networkVolumeIds { networkVolumeId dataCenterId }"
    " minCudaVersion flashBootType"
)
TEMPLATE = "id containerDiskInGb dockerArgs env { key value } imageName name readme"
GPU_TYPE = (
    "id displayName manufacturer memoryInGb cudaCores secureCloud communityCloud securePrice communityPrice"
    " communitySpotPrice secureSpotPrice maxGpuCount maxGpuCountCommunityCloud maxGpuCountSecureCloud minPodGpuCount"
    " nodeGroupGpuSizes throughput"
)


def _with_input(operation: str, input_type: str, selection: str, *, root: str = "") -> str:
    root = root or operation
    return f"mutation {operation}($input: {input_type}) {{ {root}(input: $input) {{ {selection} }} }}"


def _by_id(kind: str, operation: str, field: str, argument: str, selection: str, *, variable: str = "") -> str:
    variable = variable or argument
    selected = f"{{ {selection} }}" if selection else ""
    return f"{kind} {operation}(${variable}: String!) {{ {field}({argument}: ${variable}) {selected} }}"


DOCUMENTS = {
    "saveEndpoint": _with_input("saveEndpoint", "EndpointInput!", ENDPOINT),
    "deleteEndpoint": _by_id("mutation", "deleteEndpoint", "deleteEndpoint", "id", ""),
    "getEndpoint": "query getEndpoint($id: String!) { myself { endpoint(id: $id) { id } } }",
    "": "query { myself { endpoints { id } } }",
    "getTemplate": _by_id("query", "getTemplate", "podTemplate", "id", TEMPLATE),
    "saveTemplate": _with_input("saveTemplate", "SaveTemplateInput", TEMPLATE),
    "ServerlessGpuTypes": (
        "query ServerlessGpuTypes($lowestPriceInput: GpuLowestPriceInput, $gpuTypesInput: GpuTypeFilter)"
        " { gpuTypes(input: $gpuTypesInput) { lowestPrice(input: $lowestPriceInput) { stockStatus } } }"
    ),
    "SecureCpuTypes": (
        "query SecureCpuTypes($cpuFlavorInput: CpuFlavorInput, $specificsInput: SpecificsInput)"
        " { cpuFlavors(input: $cpuFlavorInput) { specifics(input: $specificsInput) { stockStatus } } }"
    ),
    "getCpuTypes": "query getCpuTypes { cpuTypes { id displayName manufacturer cores threadsPerCore groupId } }",
    "getGpuTypes": f"query getGpuTypes($input: GpuTypeFilter) {{ gpuTypes(input: $input) {{ {GPU_TYPE} }} }}",
    "getFlashApps": (
        "query getFlashApps { myself { flashApps { id name"
        " flashEnvironments { id name state createdAt activeBuildId } flashBuilds { id createdAt } } } }"
    ),
    "getFlashApp": _by_id(
        "query",
        "getFlashApp",
        "flashApp",
        "flashAppId",
        "id name flashEnvironments { id name state } flashBuilds { id objectKey createdAt }",
        variable="input",
    ),
    "getFlashAppByName": _by_id(
        "query",
        "getFlashAppByName",
        "flashAppByName",
        "flashAppName",
        "id name flashEnvironments { id name state activeBuildId createdAt } flashBuilds { id objectKey createdAt }",
    ),
    "createFlashApp": _with_input("createFlashApp", "CreateFlashAppInput!", "id name"),
    "deleteFlashApp": _by_id("mutation", "deleteFlashApp", "deleteFlashApp", "flashAppId", ""),
    "listFlashBuilds": _by_id(
        "query", "listFlashBuilds", "flashApp", "flashAppId", "flashBuilds { id objectKey createdAt }"
    ),
    "listFlashEnvironments": _by_id(
        "query",
        "listFlashEnvironments",
        "flashApp",
        "flashAppId",
        "flashEnvironments { id name state activeBuildId createdAt }",
    ),
    "getFlashEnvironment": _by_id(
        "query",
        "getFlashEnvironment",
        "flashEnvironment",
        "flashEnvironmentId",
        "id name state activeBuildId createdAt endpoints { id name } networkVolumes { id name }",
    ),
    "getFlashEnvironmentByName": (
        "query getFlashEnvironmentByName($input: FlashEnvironmentByNameInput!) { flashEnvironmentByName(input: $input)"
        " { id name state activeBuildId endpoints { id name } networkVolumes { id name } } }"
    ),
    "createFlashEnvironment": _with_input("createFlashEnvironment", "CreateFlashEnvironmentInput!", "id name"),
    "deleteFlashEnvironment": _by_id(
        "mutation", "deleteFlashEnvironment", "deleteFlashEnvironment", "flashEnvironmentId", ""
    ),
    "PrepareArtifactUpload": _with_input(
        "PrepareArtifactUpload",
        "PrepareFlashArtifactUploadInput!",
        "uploadUrl objectKey expiresAt",
        root="prepareFlashArtifactUpload",
    ),
    "FinalizeArtifactUpload": _with_input(
        "FinalizeArtifactUpload",
        "FinalizeFlashArtifactUploadInput!",
        "id manifest",
        root="finalizeFlashArtifactUpload",
    ),
    "getFlashBuild": _by_id("query", "getFlashBuild", "flashBuild", "flashBuildId", "id manifest", variable="input"),
    "updateFlashBuildManifest": _with_input(
        "updateFlashBuildManifest", "UpdateFlashBuildManifestInput!", "id manifest"
    ),
    "deployBuildToEnvironment": _with_input(
        "deployBuildToEnvironment",
        "DeployBuildToEnvironmentInput!",
        "id name activeArtifact { objectKey downloadUrl expiresAt }",
    ),
    "addEndpointToFlashEnvironment": _with_input(
        "addEndpointToFlashEnvironment", "AddEndpointToEnvironmentInput!", "id name flashEnvironmentId"
    ),
    "addNetworkVolumeToFlashEnvironment": _with_input(
        "addNetworkVolumeToFlashEnvironment", "AddNetworkVolumeToEnvironmentInput!", "id name flashEnvironmentId"
    ),
    "updateFlashEnvironment": _with_input("updateFlashEnvironment", "UpdateFlashEnvironmentInput!", "id name state"),
    "createFlashAuthRequest": "mutation createFlashAuthRequest { createFlashAuthRequest { id status expiresAt } }",
    "flashAuthRequestStatus": _by_id(
        "query", "flashAuthRequestStatus", "flashAuthRequestStatus", "flashAuthRequestId", "id status expiresAt apiKey"
    ),
}
