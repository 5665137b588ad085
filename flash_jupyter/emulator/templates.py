"""Templates: container settings with a name, made once and applied to many endpoints.

An endpoint made by REST v2 from a `templateId` takes a copy, which later changes of the template do not reach
(`updateTemplate`, `CreateEndpointRequest` of the REST v2 document). One that is *bound* to its template, as GraphQL's
`saveEndpoint` makes them, follows it: a change makes a new release of the endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.tables import Resource, new_id
from flash_jupyter.emulator.world import Clock

#: what an endpoint takes from a template (CreateEndpointRequest.templateId)
CONTAINER_SETTINGS = ("image", "args", "disk", "ports", "env", "registry")
#: what a create may leave out (CreateTemplateRequest; `disk` as REST v1 has it, the v2 document says nothing)
_DEFAULTS: dict[str, Any] = {
    "args": "",
    "disk": 50,
    "mounts": {},
    "ports": [],
    "env": {},
    "registry": None,
    "serverless": False,
    "public": False,
    "category": "NVIDIA",
    "startSsh": True,
    "startJupyter": True,
    "allowedCudaVersions": [],
}


class Templates:
    """The user's templates, those that anybody can read, and what is bound to them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._owned = {template.id: template for template in store.templates.all()}
        self._bindings = store.bindings.all()

    def all(self) -> list[Resource]:
        """Return the user's templates, oldest first."""
        return list(self._owned.values())

    def find(self, template_id: str) -> Resource:
        """Return a template that the user can read: an own one, or one of the catalogue. Raises `Problem` 404."""
        public = catalog.PUBLIC_TEMPLATES.get(template_id)
        return self.owned(template_id) if public is None else Resource(template_id, 0.0, public)

    def owned(self, template_id: str) -> Resource:
        """Return a template that the user can change; raises `Problem` 404."""
        try:
            return self._owned[template_id]
        except KeyError:
            raise Problem(404, "template not found") from None

    def create(self, body: Mapping[str, Any]) -> Resource:
        """Make a template from a checked body."""
        return self._put(Resource(new_id(10), self._clock(), {**_DEFAULTS, **body}))

    def patch(self, template: Resource, body: Mapping[str, Any]) -> Resource:
        """Return it with what is in a checked body; empty `mounts` leave them as they are (TemplateMounts)."""
        changes = {name: value for name, value in body.items() if name != "mounts" or value}
        return self._put(replace(template, document={**template.document, **changes}))

    def _put(self, template: Resource) -> Resource:
        self._owned[template.id] = template
        return self._store.templates.put(template)

    def delete(self, template: Resource) -> None:
        """Delete a template; raises `Problem` 400 while an endpoint is bound to it."""
        bound = self.bound_to(template.id)
        if bound:
            raise Problem(400, f"the template is in use by serverless endpoint {bound[0]}")
        self._forget(template.id)

    def _forget(self, template_id: str) -> None:
        template = self._owned.pop(template_id, None)
        if template is not None:
            self._store.templates.delete(template)

    # --- bindings ----------------------------------------------------------------------------------------------

    def bind(self, endpoint_id: str, template_id: str) -> None:
        """Let an endpoint follow a template from now on."""
        self._bindings[endpoint_id] = template_id
        self._store.bindings.put(endpoint_id, template_id)

    def bound_to(self, template_id: str) -> list[str]:
        """Return the ids of the endpoints that follow a template."""
        return [endpoint for endpoint, template in self._bindings.items() if template == template_id]

    def of(self, endpoint_id: str) -> str | None:
        """Return the id of the template that an endpoint follows, if there is one."""
        return self._bindings.get(endpoint_id)

    def release(self, endpoint_id: str) -> None:
        """End a deleted endpoint's binding; its template goes with it unless another follows it (deleteEndpoint)."""
        template_id = self._bindings.pop(endpoint_id, None)
        if template_id is None:
            return
        self._store.bindings.delete(endpoint_id)
        if not self.bound_to(template_id):
            self._forget(template_id)


def container_settings(template: Resource) -> dict[str, Any]:
    """Return the part of a template that an endpoint takes."""
    return {name: template.document[name] for name in CONTAINER_SETTINGS}


def applied(template: Resource, body: Mapping[str, Any], *, seed_cuda: bool) -> dict[str, Any]:
    """Return an endpoint's body with a template's settings under it; raises `Problem` 422.

    What the body says wins, `env` key by key. The template's CUDA versions seed those of a GPU create (`seed_cuda`)
    that names none and has no floor.
    """
    if not template.document["serverless"]:
        raise Problem(422, f"template {template.id} is not a serverless template")
    settings = container_settings(template)
    filled = {**settings, **body, "env": {**settings["env"], **body.get("env", {})}}
    gpu, versions = body.get("gpu"), template.document["allowedCudaVersions"]
    if seed_cuda and gpu and versions and not {"allowedCudaVersions", "minCudaVersion"} & set(gpu):
        filled["gpu"] = {**gpu, "allowedCudaVersions": versions}
    return filled
