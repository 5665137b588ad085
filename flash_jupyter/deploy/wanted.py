"""What a manifest wants: for each resource an endpoint with its whole configuration and labels (flash-wire.md 7.4).

The old client lost most of a configuration on its way, and could not deploy classes with an image of their own
(flash-wire.md 12, 14). Here a resource is made of its `config` again, by the class that the user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flash_jupyter.build.manifest import Manifest, Resource
from flash_jupyter.deploy.fields import FINGERPRINT, Fields, digest, fields_of_spec
from flash_jupyter.deploy.labels import APP, BUILD, CONFIG, ENDPOINT_TYPE, ENV, ENVIRONMENT_ID, IS_MOTHERSHIP, RESOURCE
from flash_jupyter.errors import DeployError, ManifestError, OptionError
from flash_jupyter.resources import classes, model
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.images import read_python

#: from a manifest of a released client to arguments of the classes (flash-wire.md 6.2); ours has all under `config`
PUBLISHED = (
    *("instanceIds", "workersMin", "workersMax", "idleTimeout", "scalerType", "scalerValue", "locations", "env"),
    *("networkVolume", "networkVolumeId"),
)


@dataclass(frozen=True)
class Place:
    """An environment of an app, as its endpoints' labels say it."""

    app: str
    environment: str
    environment_id: str


@dataclass(frozen=True)
class Wanted:
    """One endpoint as it should be. `env` is what the user and the deployment put there, without who made it when."""

    name: str
    resource: Resource
    spec: EndpointSpec
    env: Mapping[str, str] = field(repr=False)

    @property
    def fields(self) -> Fields:
        """The configuration that a plan compares."""
        return fields_of_spec(self.spec, self.env)

    @property
    def is_probed(self) -> bool:
        """Whether its workers run our handler, which can be asked whether it is there."""
        kind = getattr(classes, self.resource.resource_type, model.Resource)
        return bool(kind.is_live)

    def with_spec(self, spec: EndpointSpec) -> Wanted:
        """Return it with another spec."""
        return replace(self, spec=spec)

    def labels(self, build_id: str) -> dict[str, str]:
        """Return the labels that change with a deployment."""
        return {BUILD: build_id, CONFIG: digest(self.fields)}


def wanted_of(
    manifest: Manifest, place: Place, *, owner: str, runtime_secret: str, repair_secret: str = ""
) -> dict[str, Wanted]:
    """Return what a manifest wants in an environment, by resource.

    Raises `ManifestError` for a resource that is none of our classes, and `OptionError` for what its class refuses.
    """
    found = {}
    for name, entry in manifest.resources.items():
        resource = _described(name, entry)
        python = entry.target_python_version or manifest.python_version
        spec = resource.spec(owner=owner, python=read_python(python))
        secret = repair_secret if repair_secret and entry.is_mothership else runtime_secret
        env = {**spec.env, **worker_variables(manifest, name, place, secret)}
        found[name] = Wanted(name, entry, replace(spec, name=name, image=entry.imageName or spec.image), env)
    return found


def worker_variables(manifest: Manifest, name: str, place: Place, secret: str) -> dict[str, str]:
    """Return what a deployed worker finds in its environment beside the user's own.

    A key is there only where others are called, and only as the name of a secret of the platform (D12).
    """
    entry = manifest.resources[name]
    variables = {
        APP: place.app,
        ENV: place.environment,
        ENVIRONMENT_ID: place.environment_id,
        RESOURCE: name,
        FINGERPRINT: manifest.source_fingerprint,
    }
    if entry.is_load_balanced:
        variables[ENDPOINT_TYPE] = "lb"
    if entry.is_mothership:
        named = {"FLASH_MAIN_FILE": entry.main_file, "FLASH_APP_VARIABLE": entry.app_variable}
        variables |= {IS_MOTHERSHIP: "true", **{key: str(value) for key, value in named.items() if value}}
    if entry.calls_others:
        variables["RUNPOD_API_KEY"] = f"{{{{ RUNPOD_SECRET_{secret} }}}}"
    return variables


def needs_key(manifest: Manifest) -> bool:
    """Whether a resource of this manifest calls others."""
    return any(entry.calls_others for entry in manifest.resources.values())


def _described(name: str, entry: Resource) -> model.Resource:
    """The resource as the user wrote it; of a manifest that is not ours, as far as it says."""
    kind = getattr(classes, entry.resource_type, None)
    if not (isinstance(kind, type) and issubclass(kind, model.Resource)):
        raise ManifestError(
            f"resource {name} is a {entry.resource_type}, which is no class of ours", fix="build it again: flash build"
        )
    own_image = {} if kind.is_live or not entry.imageName else {"imageName": entry.imageName}
    arguments = {**(entry.config or {**_published(entry.model_dump()), **own_image}), "name": name}
    try:
        return kind(**arguments)
    except OptionError as error:
        raise ManifestError(f"resource {name} can't be deployed: {error.message}", fix=error.fix) from None


def _published(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: entry[key] for key in PUBLISHED if entry.get(key) not in (None, "", [], {})}
    cards = [each for each in str(entry.get("gpuIds") or "").split(",") if each and not each.startswith("-")]
    return {**found, **({"gpus": cards} if cards and "instanceIds" not in found else {})}


#: what a worker has by itself: the system's, Python's, the image's, the platform's, the deployment's
_ALWAYS = re.compile(
    r"(RUNPOD|FLASH|PYTHON|CUDA|NVIDIA|HF|LC)_\w+|PATH|HOME|USER|LANG|PWD|HOSTNAME|SHELL|TMPDIR|TERM"
    r"|PORT|PORT_HEALTH|HEALTH_CHECK_PATH|LD_LIBRARY_PATH"
)


def missing_variables(manifest: Manifest) -> dict[str, list[str]]:
    """Return resource -> the variables that its functions read without a default, and that its `env=` lacks."""
    found = {name: _missing(entry) for name, entry in manifest.resources.items()}
    return {name: names for name, names in found.items() if names}


def check_variables(manifest: Manifest) -> None:
    """Raise `DeployError` where a function reads a variable that nobody sets."""
    missing = missing_variables(manifest)
    if missing:
        listed = "; ".join(f"{name} reads {', '.join(names)}" for name, names in missing.items())
        first = next(iter(missing.values()))[0]
        raise DeployError(
            f"environment variables are missing: {listed}; nothing was changed",
            fix=f"set them in env= of the resource, for a secret as {{{{ RUNPOD_SECRET_{first.lower()} }}}}, "
            "and build again",
        )


def _missing(entry: Resource) -> list[str]:
    template: Any = entry.config.get("template")
    if isinstance(template, str):
        return []  # what a stored template brings is not in the manifest
    brought: Mapping[str, str] = (template or {}).get("env") or {}
    given = {*brought, *(entry.config.get("env") or {})}
    return [name for name in entry.environment_variables or [] if name not in given and not _ALWAYS.fullmatch(name)]
