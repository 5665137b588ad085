"""`%flash build`: this notebook, or another project, becomes what is deployed; the same as `flash build`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.preview import preview
from flash_jupyter.magics.source import find_source, read_words
from flash_jupyter.views.build import Source, Step, building_bundle, built_bundle, failed_bundle
from flash_jupyter.views.output import Publisher

if TYPE_CHECKING:
    from flash_jupyter.build.bundle import BuildOptions, Progress
    from flash_jupyter.settings import Settings

VALUES = {"exclude", "python-version", "output"}
FLAGS = {"keep-build", "from-magics", "mothership", "preview", "try-defaults"}


class BuildCard:
    """The display of one build, updated in place."""

    def __init__(self, publisher: Publisher, source: Source, display_id: str) -> None:
        self._publisher, self._source, self._display_id = publisher, source, display_id
        self._steps: list[Step] = []
        self._began_at = time.monotonic()
        self._is_shown = False

    def show_step(self, progress: Progress) -> None:
        """A step begins."""
        self._end_step()
        self._steps.append(Step(progress.text))
        self._show(building_bundle(self._steps, self._source))

    def show_built(self, built: dict[str, Any]) -> None:
        """It is over."""
        self._end_step()
        self._show(built_bundle(built, self._steps, self._source, Path.cwd()))

    def show_failed(self) -> None:
        """It has failed; the error stands below."""
        self._show(failed_bundle(self._steps, self._source))

    def _end_step(self) -> None:
        now = time.monotonic()
        if self._steps:
            self._steps[-1] = replace(self._steps[-1], seconds=now - self._began_at)
        self._began_at = now

    def _show(self, bundle: dict[str, str]) -> None:
        self._publisher.publish(bundle, transient={"display_id": self._display_id}, update=self._is_shown)
        self._is_shown = True


def build(shell: Any, settings: Settings, arguments: list[str]) -> None:
    """Do what the words behind `%flash build` say.

    Raises `OptionError` for words that it does not take, and what `flash build` raises.
    """
    from flash_jupyter.build import bundle

    words, given = read_words(arguments, "build", values=VALUES, flags=FLAGS)
    if "try-defaults" in given and "preview" not in given:
        raise OptionError("--try-defaults is for a preview", fix="%flash build --preview --try-defaults")
    path = find_source(words, "build", shell, settings)
    options = read_options(given)
    card = BuildCard(shell.display_pub, source_of(path), f"flash-build-{time.monotonic_ns()}")
    try:
        built = bundle.build(path, options, card.show_step, settings)
    except BaseException:
        card.show_failed()
        raise
    card.show_built(built.to_json())
    if "preview" in given:
        preview(built, settings, shell.display_pub, try_defaults="try-defaults" in given)


def read_options(given: dict[str, str]) -> BuildOptions:
    """Return the options of a build; raises `OptionError` for a Python that there is no image of."""
    from flash_jupyter.build.bundle import BuildOptions
    from flash_jupyter.build.target import read_exclude
    from flash_jupyter.resources.images import read_python

    if "python-version" in given:
        read_python(given["python-version"])
    return BuildOptions(
        exclude=tuple(sorted(read_exclude(given.get("exclude", "")))),
        keep_build="keep-build" in given,
        python=given.get("python-version"),
        output=Path(given["output"]) if "output" in given else None,
        from_magics="from-magics" in given,
        mothership="mothership" in given,
    )


def source_of(path: Path) -> Source:
    """Name what is built, and say how old it is where it is a file."""
    if path.is_dir():
        return Source(path.resolve().name)
    return Source(path.name, max(0.0, time.time() - path.stat().st_mtime))
