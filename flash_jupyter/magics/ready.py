"""After `%load_ext`: one line where jobs of this notebook have results that nobody has taken yet.

It looks into the local store only, on a thread of its own, once the load is over.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flash_jupyter.views.publisher import page_of, prompt

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.session.records import JobRecord

#: seconds after the load, which is not to be slowed
LOOK_AFTER_S = 0.3


def announce_ready(shell: InteractiveShell) -> threading.Timer:
    """Look soon, and say what is ready under the cell that runs now; returns the timer, to be cancelled."""
    publisher, page = prompt(shell.display_pub), page_of(shell.display_pub)

    def look() -> None:
        from flash_jupyter.errors import FlashError
        from flash_jupyter.magics.frontend import notebook_name
        from flash_jupyter.session.jobs import JobStore
        from flash_jupyter.settings import read_settings
        from flash_jupyter.views.format import one_line

        try:
            settings = read_settings()
            notebook = notebook_name(shell, settings.environ)
            if not notebook or not settings.job_store.exists():
                return
            store = JobStore(settings.job_store)
            jobs = store.ready(notebook)
            store.close()
        except FlashError:  # the next cell says what is wrong with it
            return
        if jobs:
            publisher.publish(one_line(ready_text(jobs)))

    timer = threading.Timer(LOOK_AFTER_S, look)
    timer.daemon = True
    if page == "live":
        timer.start()
    return timer


def ready_text(jobs: list[JobRecord]) -> str:
    """Say what is ready, the newest by its id."""
    newest = f"%flash attach {jobs[0].id}"
    if len(jobs) == 1:
        return f"a result is ready: {newest}"
    return f"{len(jobs)} results are ready: {newest}; all of them: %flash jobs"
