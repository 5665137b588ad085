"""Environment variables that functions read, and that nobody sets: named before anything is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flash_jupyter.build.manifest import Manifest, Resource
from flash_jupyter.errors import DeployError

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
