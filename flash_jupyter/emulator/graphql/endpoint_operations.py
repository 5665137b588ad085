"""The operations on endpoints and on the templates that they use."""

from __future__ import annotations

from typing import Any

from flash_jupyter.emulator.apps import Apps, environment_id_of
from flash_jupyter.emulator.auth import endpoint_key
from flash_jupyter.emulator.endpoints import Endpoints, show_time
from flash_jupyter.emulator.graphql.endpoint_answer import (
    USER_ID,
    owner_of_template,
    show_endpoint,
    show_template,
    template_id_of,
)
from flash_jupyter.emulator.graphql.endpoint_input import (
    changed_endpoint,
    container_of,
    new_endpoint,
    template_only,
    without_nulls,
)
from flash_jupyter.emulator.graphql.fields import Arguments, Resolver, field
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, World


class EndpointOperations:
    """Endpoints and templates over GraphQL; the endpoints are those of REST v2."""

    def __init__(self, world: World, endpoints: Endpoints, apps: Apps) -> None:
        self._world, self._endpoints, self._apps = world, endpoints, apps

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        return {
            "saveEndpoint": lambda arguments: self._save(without_nulls(arguments["input"])),
            "deleteEndpoint": self._delete,
            "podTemplate": self._template,
            "saveTemplate": lambda arguments: self._save_template(without_nulls(arguments.get("input") or {})),
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
            "networkVolumeIds": [{"networkVolumeId": each} for each in document["networkVolumes"]],
            "activeBuildid": field(lambda _: self._active_build_id(endpoint)),
            "template": field(lambda _: self._show_own(endpoint)),
        }

    def _active_build_id(self, endpoint: Endpoint) -> str | None:
        environment_id = environment_id_of(endpoint)
        return None if environment_id is None else self._apps.environment(environment_id).build_id

    # --- saving ------------------------------------------------------------------------------------------------

    def _save(self, sent: dict[str, Any]) -> dict[str, Any]:
        """`saveEndpoint` - makes an endpoint, or changes the one with the `id`."""
        if "flashEnvironmentId" in sent:
            self._apps.environment(sent["flashEnvironmentId"])  # it must be there
        own_template = template_id_of(sent["id"], {}) if "id" in sent else None
        if sent.get("templateId", own_template) != own_template:
            raise Problem(404, f"template not found: {sent['templateId']}")
        container = container_of(sent.get("template", {}))
        if "id" not in sent:
            return self.show(self._endpoints.add(new_endpoint(sent, container)))
        endpoint = self.endpoint(sent["id"])
        self._endpoints.change(endpoint, changed_endpoint(endpoint.document, sent, container))
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

    # --- templates ---------------------------------------------------------------------------------------------

    def _show_own(self, endpoint: Endpoint) -> dict[str, Any]:
        hidden = endpoint.document.get("graphql", {})
        template_id = template_id_of(endpoint.id, endpoint.document)
        return show_template(template_id, endpoint.document, hidden.get("template", {}))

    def _template(self, arguments: Arguments) -> dict[str, Any] | None:
        """`podTemplate` - null where there is none."""
        endpoint = self._world.endpoints.get(owner_of_template(arguments["id"]))
        return None if endpoint is None else self._show_own(endpoint)

    def _save_template(self, sent: dict[str, Any]) -> dict[str, Any]:
        """`saveTemplate` - of an endpoint's own template: the endpoint gets a new release."""
        endpoint = self._world.endpoints.get(owner_of_template(sent.get("id", "")))
        if endpoint is None:
            raise Problem(404, f"template not found: {sent.get('id', '')}")
        hidden = endpoint.document.get("graphql", {})
        template = {**hidden.get("template", {}), **template_only(sent)}
        changed = {**endpoint.document, **container_of(sent), "graphql": {**hidden, "template": template}}
        self._endpoints.change(endpoint, changed)
        return self._show_own(endpoint)


def user(endpoints: EndpointOperations, flash_apps: Resolver) -> Resolver:
    """Return the resolver of `myself`."""
    members = {"endpoint": field(endpoints.find), "endpoints": field(endpoints.all), "flashApps": field(flash_apps)}
    return lambda _: {"id": USER_ID, **members}
