"""A cell that returns at once: what its job says appears under it while other cells run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flash_jupyter.magics.show import emitter
from flash_jupyter.session.cancelling import JobCancelled
from flash_jupyter.session.events import Event, Notice
from flash_jupyter.session.prepare import CellRequest
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.session import JobHandle, Session
from flash_jupyter.views.format import one_line
from flash_jupyter.views.job import JobCard
from flash_jupyter.views.output import OutputView
from flash_jupyter.views.publisher import CellPort, cell_port

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def submit(shell: InteractiveShell, session: Session, request: CellRequest) -> JobHandle:
    """Start a cell and return its handle; raises what is known before anything is sent."""
    port = cell_port(shell.display_pub)
    if port is None:  # a terminal: `%flash attach` shows what it says

        def warn(event: Event) -> None:
            if isinstance(event, Notice):
                shell.display_pub.publish(one_line(event.text))

        return session.submit_cell(request, warn)
    emit, ended = _views(port)
    return session.submit_cell(request, emit, ended=ended)


def _views(port: CellPort) -> tuple[Callable[[Event], None], Callable[[JobRecord, BaseException | None], None]]:
    """Make the views of a detached job; what they show comes from the loop thread."""
    output = OutputView(port, stdout=port.stdout, stderr=port.stderr)
    card = JobCard(port, hint="it goes on by itself; %flash cancel stops it")
    started = time.monotonic()
    card.__enter__()

    def ended(job: JobRecord, failure: BaseException | None) -> None:
        output.close()
        if failure is None:
            card.finish(job.backend, job.name or "", time.monotonic() - started)
            port.publish(one_line(f"job {job.id} is done; %flash attach {job.id} brings home what it bound"))
        else:
            card.fail(str(failure) if isinstance(failure, JobCancelled) else f"failed ({type(failure).__name__})")

    return emitter(port, output, card), ended
