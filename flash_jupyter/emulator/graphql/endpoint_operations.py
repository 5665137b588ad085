"""The operations on endpoints and on the templates that they use."""

from __future__ import annotations

from typing import Any

from flash_jupyter.emulator.apps import Apps, environment_id_of
from flash_jupyter.emulator.endpoint_key import endpoint_key
from flash_jupyter.emulator.endpoints import Endpoints, show_time
from flash_jupyter.emulator.graphql.endpoint_answer import USER_ID, show_endpoint
from flash_jupyter.emulator.graphql.endpoint_input import changed_endpoint, container_of, new_endpoint, without_nulls
from flash_jupyter.emulator.graphql.fields import Arguments, Resolver, field
from flash_jupyter.emulator.graphql.template_operations import TemplateOperations
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.templates import container_settings
from flash_jupyter.emulator.volumes import Volumes
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, World


class EndpointOperations:
    """Endpoints and templates over GraphQL; the endpoints are those of REST v2."""

    def __init__(
        self, world: World, endpoints: Endpoints, templates: TemplateOperations, volumes: Volumes, apps: Apps
    ) -> None:
        self._world, self._endpoints, self._apps = world, endpoints, apps
        self._templates, self._volumes = templates, volumes

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        return {
            "saveEndpoint": lambda arguments: self._save(without_nulls(arguments["input"])),
            "deleteEndpoint": self._delete,
            "addEndpointToFlashEnvironment": self._add_to_environment,
        }

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint, or raise `Problem`."""
        try:
            return self._world.endpoint(endpoint_id)
        except NoSuchEndpoint:
            raise Problem(404, f"endpoint not found: {endpoint_id}") from None

    def find(self, arguments: Arguments) -> dict[str, Any] | None:
        """`myself{endpoint(id:)}` - null where there is none: the client asks whether there is one."""
        endpoint = self._world.endpoints.get(arguments["id"])
        return None if endpoint is None else self.show(endpoint)

    def all(self, _: Arguments) -> list[dict[str, Any]]:
        """`myself{endpoints}`."""
        return [self.show(endpoint) for endpoint in self._world.endpoints.values()]

    def show(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return `Endpoint` of the schema."""
        document = endpoint.document
        return {
            **show_endpoint(endpoint.id, document),
            "aiKey": endpoint_key(self._world.api_key, endpoint.id),
            "version": endpoint.version,
            "createdAt": show_time(endpoint.created_at),
            "networkVolumeIds": [self._show_volume(each) for each in document["networkVolumes"]],
            "activeBuildid": field(lambda _: self._active_build_id(endpoint)),
            "templateId": self._templates.id_of(endpoint),
            "template": field(lambda _: self._templates.show_of(endpoint)),
        }

    def _show_volume(self, volume_id: str) -> dict[str, Any]:
        return {"networkVolumeId": volume_id, "dataCenterId": self._volumes.find(volume_id).document["dataCenter"]}

    def _active_build_id(self, endpoint: Endpoint) -> str | None:
        environment_id = environment_id_of(endpoint)
        return None if environment_id is None else self._apps.environment(environment_id).build_id

    # --- saving ------------------------------------------------------------------------------------------------

    def _save(self, sent: dict[str, Any]) -> dict[str, Any]:
        """`saveEndpoint` - makes an endpoint, or changes the one with the `id`."""
        if "flashEnvironmentId" in sent:
            self._apps.environment(sent["flashEnvironmentId"])  # it must be there
        endpoint = self.endpoint(sent["id"]) if "id" in sent else None
        followed = self._templates.newly_followed(endpoint, sent.get("templateId"))
        container = {**(container_settings(followed) if followed else {}), **container_of(sent.get("template", {}))}
        with self._world.store.transaction():
            if endpoint is None:
                endpoint = self._endpoints.add(new_endpoint(sent, container))
            else:
                self._endpoints.change(endpoint, changed_endpoint(endpoint.document, sent, container))
            if followed is not None:
                self._templates.follow(endpoint, followed)
            if "template" in sent:
                self._templates.change_followed(endpoint, sent["template"])
        return self.show(endpoint)

    def _delete(self, arguments: Arguments) -> None:
        """`deleteEndpoint` - with its workers and jobs."""
        self._endpoints.delete(self.endpoint(arguments["id"]))

    def _add_to_environment(self, arguments: Arguments) -> dict[str, Any]:
        """`addEndpointToFlashEnvironment`."""
        sent = arguments["input"]
        endpoint, environment = self.endpoint(sent["endpointId"]), self._apps.environment(sent["flashEnvironmentId"])
        hidden = {**endpoint.document.get("graphql", {}), "flashEnvironmentId": environment.id}
        self._endpoints.change(endpoint, {**endpoint.document, "graphql": hidden})
        return self.show(endpoint)


def user(endpoints: EndpointOperations, flash_apps: Resolver) -> Resolver:
    """Return the resolver of `myself`."""
    members = {"endpoint": field(endpoints.find), "endpoints": field(endpoints.all), "flashApps": field(flash_apps)}
    return lambda _: {"id": USER_ID, **members}
