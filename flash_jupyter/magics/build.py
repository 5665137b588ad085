"""`%flash build`: this notebook, or another project, becomes what is deployed; the same as `flash build`."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.magics.source import find_source
from flash_jupyter.magics.words import read_words
from flash_jupyter.views.build import (
    Source,
    built_bundle,
    describe,
    failed_bundle,
    previewed_bundle,
    stopped_bundle,
)
from flash_jupyter.views.progress import News, ProgressCard
from flash_jupyter.views.publisher import Publisher

if TYPE_CHECKING:
    from flash_jupyter.build.bundle import BuildOptions, Bundle
    from flash_jupyter.settings import Settings

VALUES = {"exclude", "python-version", "output"}
FLAGS = {"keep-build", "from-magics", "mothership", "preview", "try-defaults"}


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
    source = source_of(path)
    card = ProgressCard(shell.display_pub, f"building {describe(source)}")
    try:
        built = bundle.build(path, options, lambda step: card.tell(News(step.text, step.text)), settings)
    except BaseException:
        card.become(partial(failed_bundle, source=source))
        raise
    document = built.to_json()
    card.become(lambda steps: built_bundle(document, steps, source, Path.cwd()))
    if "preview" in given:
        _preview(built, settings, shell.display_pub, try_defaults="try-defaults" in given)


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


def _preview(built: Bundle, settings: Settings, publisher: Publisher, *, try_defaults: bool) -> None:
    """Run every resource of the bundle, try every function, remove all of it, and show what was found out.

    Raises `BuildError` where a function gives another value than the notebook, or a worker can't start.
    """
    from flash_jupyter.build.preview import Preview
    from flash_jupyter.build.smoke import smoke

    name = built.manifest.project_name
    card = ProgressCard(publisher, f"preview of {name}")

    def tell(text: str) -> None:
        card.tell(News(text, text))

    tell("starting")
    try:
        with Preview(built.archive, built.manifest, settings) as running:
            verdicts = smoke(built.project, running.start(tell), settings, tell, with_defaults=try_defaults)
    except BaseException:
        card.become(lambda _steps: stopped_bundle(name))
        raise
    card.become(lambda _steps: previewed_bundle(name, [asdict(verdict) for verdict in verdicts]))
    if differing := sorted({verdict.function for verdict in verdicts if verdict.state == "differs"}):
        raise BuildError(
            f"the bundle does not give what the notebook gives: {', '.join(differing)}",
            fix="the table above says where they differ; what was built stays where it is",
        )
