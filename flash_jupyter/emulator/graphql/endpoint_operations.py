"""The operations on endpoints and templates, and which template an endpoint uses.

An endpoint made without a `templateId` has a template of its own, which is a view of the endpoint: its id begins with
`tpl`, and REST v2 does not list it. Any other is one of REST v2's; an endpoint that was saved with its id follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.emulator.apps import Apps, environment_id_of
from flash_jupyter.emulator.auth import endpoint_key
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.graphql import Arguments, Resolver, field
from flash_jupyter.emulator.graphql.endpoint_documents import (
    USER_ID,
    changed_endpoint,
    container_of,
    new_endpoint,
    show_endpoint,
    show_template,
    template_only,
    without_nulls,
)
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import Resource
from flash_jupyter.emulator.templates import Templates, container_settings
from flash_jupyter.emulator.volumes import Volumes
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, World

_OWN = "tpl"


class TemplateOperations:
    """Templates over GraphQL."""

    def __init__(self, world: World, endpoints: Endpoints, templates: Templates) -> None:
        self._world, self._endpoints, self._templates = world, endpoints, templates

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        return {
            "podTemplate": self._find,
            "saveTemplate": lambda arguments: self._save(without_nulls(arguments.get("input") or {})),
        }

    def id_of(self, endpoint: Endpoint) -> str:
        """Return the id of the template that an endpoint uses."""
        return self._templates.of(endpoint.id) or _OWN + endpoint.id

    def show_of(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the template that an endpoint uses."""
        followed = self._templates.of(endpoint.id)
        return self._show_own(endpoint) if followed is None else _show(self._templates.find(followed))

    def newly_followed(self, endpoint: Endpoint | None, template_id: str | None) -> Resource | None:
        """Return the template that an endpoint shall follow from now on, unless it uses that one already."""
        if template_id is None or (endpoint is not None and template_id == self.id_of(endpoint)):
            return None
        return self._templates.find(template_id)

    def follow(self, endpoint: Endpoint, template: Resource) -> None:
        """Let an endpoint follow a template."""
        self._templates.bind(endpoint.id, template.id)

    def change_followed(self, endpoint: Endpoint, sent: Mapping[str, Any]) -> None:
        """Change the user's template that an endpoint follows, if it follows one, and all that follow it."""
        followed = [each for each in self._templates.all() if each.id == self._templates.of(endpoint.id)]
        for template in followed:
            self._change(template, sent)

    def _owner(self, template_id: str) -> Endpoint | None:
        if not template_id.startswith(_OWN):
            return None
        return self._world.endpoints.get(template_id.removeprefix(_OWN))

    def _show_own(self, endpoint: Endpoint) -> dict[str, Any]:
        beyond = endpoint.document.get("graphql", {}).get("template", {})
        return show_template(_OWN + endpoint.id, endpoint.document, beyond)

    def _find(self, arguments: Arguments) -> dict[str, Any] | None:
        """`podTemplate` - null where there is none."""
        endpoint = self._owner(arguments["id"])
        if endpoint is not None:
            return self._show_own(endpoint)
        try:
            return _show(self._templates.find(arguments["id"]))
        except Problem:
            return None

    # --- saving ------------------------------------------------------------------------------------------------

    def _save(self, sent: dict[str, Any]) -> dict[str, Any]:
        """`saveTemplate` - makes one, or changes one: endpoints that use it get a new release."""
        if "id" not in sent:
            return _show(self._create(sent))
        endpoint = self._owner(sent["id"])
        if endpoint is not None:
            self._save_own(endpoint, sent)
            return self._show_own(endpoint)
        return _show(self._change(self._templates.owned(sent["id"]), sent))

    def _create(self, sent: Mapping[str, Any]) -> Resource:
        if not sent.get("name") or not sent.get("imageName"):
            raise Problem(400, "name and imageName are needed")
        body = {"name": sent["name"], "serverless": sent.get("isServerless", False)}
        return self._templates.create({**body, **container_of(sent), "graphql": template_only(sent)})

    def _save_own(self, endpoint: Endpoint, sent: Mapping[str, Any]) -> None:
        hidden = endpoint.document.get("graphql", {})
        template = {**hidden.get("template", {}), **template_only(sent)}
        changed = {**endpoint.document, **container_of(sent), "graphql": {**hidden, "template": template}}
        self._endpoints.change(endpoint, changed)

    def _change(self, template: Resource, sent: Mapping[str, Any]) -> Resource:
        hidden = {**template.document.get("graphql", {}), **template_only(sent)}
        named = {"name": sent["name"]} if sent.get("name") else {}
        template = self._templates.patch(template, {**named, **container_of(sent), "graphql": hidden})
        self._endpoints.follow(template)
        return template


def _show(template: Resource) -> dict[str, Any]:
    beyond = {**template.document.get("graphql", {}), "name": template.document["name"]}
    return show_template(template.id, template.document, beyond)


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
