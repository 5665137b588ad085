"""`%flash build --preview`: the bundle on the embedded Runpod, and whether it gives what the notebook gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from flash_jupyter.errors import BuildError
from flash_jupyter.views.build import previewed_bundle, previewing_bundle, stopped_bundle
from flash_jupyter.views.output import Publisher

if TYPE_CHECKING:
    from flash_jupyter.build.bundle import Bundle
    from flash_jupyter.build.trying import Verdict
    from flash_jupyter.settings import Settings


def preview(built: Bundle, settings: Settings, publisher: Publisher, *, try_defaults: bool = False) -> None:
    """Run every resource of the bundle, try every function, remove all of it, and show what was found out.

    Raises `BuildError` where a function gives another value than the notebook, or a worker can't start.
    """
    name, display = built.manifest.project_name, {"display_id": f"flash-preview-{time.monotonic_ns()}"}
    publisher.publish(previewing_bundle(name, "starting"), transient=display)

    def show(bundle: dict[str, str]) -> None:
        publisher.publish(bundle, transient=display, update=True)

    try:
        verdicts = _try(built, settings, lambda text: show(previewing_bundle(name, text)), try_defaults=try_defaults)
    except BaseException:
        show(stopped_bundle(name))
        raise
    show(previewed_bundle(name, [asdict(verdict) for verdict in verdicts]))
    if differing := sorted({verdict.function for verdict in verdicts if verdict.state == "differs"}):
        raise BuildError(
            f"the bundle does not give what the notebook gives: {', '.join(differing)}",
            fix="the table above says where they differ; what was built stays where it is",
        )


def _try(built: Bundle, settings: Settings, tell: Callable[[str], None], *, try_defaults: bool) -> tuple[Verdict, ...]:
    from flash_jupyter.build.preview import Preview
    from flash_jupyter.build.smoke import smoke

    with Preview(built.archive, built.manifest, settings) as running:
        return smoke(built.project, running.start(tell), settings, tell, with_defaults=try_defaults)
