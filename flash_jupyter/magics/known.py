"""Names that completion offers: variables of the notebook, endpoints and jobs as far as this machine knows them.

No request is sent: endpoints are those of the last listing or of the job store, jobs those of the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flash_jupyter.errors import FlashError
from flash_jupyter.magics.completer import Known
from flash_jupyter.magics.flash import WORDS
from flash_jupyter.magics.remote import STICKY, RemoteMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.session.records import JobRecord

#: so many of the newest jobs are offered
JOBS = 30


def known_by(shell: InteractiveShell, remote: RemoteMagics) -> Known:
    """Return what a notebook knows; nothing is looked at before it is asked for."""

    def endpoints() -> list[str]:
        session = remote.open_session
        listed = session.known_endpoints() if session is not None else []
        return listed or list(dict.fromkeys(job.name for job in _stored_jobs() if job.name))

    return Known(
        variables=lambda: _variables(shell),
        endpoints=endpoints,
        jobs=lambda: [job.id for job in _stored_jobs()],
        flash_words=WORDS,
        sticky=STICKY,
    )


def _variables(shell: InteractiveShell) -> Iterator[str]:
    """Names that the user has bound: not IPython's, and none with an underscore in front."""
    hidden = shell.user_ns_hidden
    for name, value in shell.user_ns.items():
        if not name.startswith("_") and not (name in hidden and hidden[name] is value):
            yield name


def _stored_jobs() -> list[JobRecord]:
    """Read the newest jobs; none where there is no store, or none that can be read: completion says no errors."""
    from flash_jupyter.session.jobs import JobStore
    from flash_jupyter.settings import read_settings

    try:
        path = read_settings().job_store
        if not path.exists():
            return []
        store = JobStore(path)
        try:
            return store.newest(limit=JOBS, of_scratch=False)
        finally:
            store.close()
    except FlashError:
        return []
