"""`podTemplate` and `saveTemplate`, and which template an endpoint uses.

An endpoint made without a `templateId` has a template of its own, which is a view of the endpoint: its id begins with
`tpl`, and REST v2 does not list it. Any other is one of REST v2's; an endpoint that was saved with its id follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.graphql.endpoint_answer import show_template
from flash_jupyter.emulator.graphql.endpoint_input import container_of, template_only, without_nulls
from flash_jupyter.emulator.graphql.fields import Arguments, Resolver
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.store_resources import Resource
from flash_jupyter.emulator.templates import Templates
from flash_jupyter.emulator.world import Endpoint, World

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
        template = self._templates.owned(sent["id"])
        self._change(template, sent)
        return _show(template)

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

    def _change(self, template: Resource, sent: Mapping[str, Any]) -> None:
        hidden = {**template.document.get("graphql", {}), **template_only(sent)}
        named = {"name": sent["name"]} if sent.get("name") else {}
        self._templates.patch(template, {**named, **container_of(sent), "graphql": hidden})
        self._endpoints.follow(template)


def _show(template: Resource) -> dict[str, Any]:
    beyond = {**template.document.get("graphql", {}), "name": template.document["name"]}
    return show_template(template.id, template.document, beyond)
