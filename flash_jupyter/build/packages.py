"""Which packages a bundle brings, and where: at its root those of all resources, beside it what some images lack."""

from __future__ import annotations

from dataclasses import dataclass, field

from flash_jupyter.build.grouping import Group
from flash_jupyter.build.project import Project
from flash_jupyter.errors import BuildError


@dataclass(frozen=True)
class Packages:
    """What was installed: `files` record it in the bundle, `folders` has the folder of a resource with its own."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def folder_of(self, group: Group) -> str:
        """Return the folder of the packages that only this resource has; empty for none."""
        return self.folders.get(group.name, "")


def add_packages(project: Project, groups: tuple[Group, ...]) -> Packages:
    """Refuse a project that needs packages."""
    wanted = [name for each in groups for export in each.exports for name in export.dependencies]
    if wanted or project.requirements:
        raise BuildError("packages can't be bundled yet", fix="leave dependencies= away")
    return Packages()
