"""What the buttons of the panel do: one function an action, over the session; what it returns is said in the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.views.listing import logs_text

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session
    from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Said:
    """What an action has to say: a line, and a long text under it where there is one."""

    text: str = ""
    body: str = ""
    is_error: bool = False


def _refresh(_session: Session, _chosen: str, _namespace: dict[str, Any]) -> Said:
    return Said()


def _undeploy(session: Session, endpoint_id: str, _namespace: dict[str, Any]) -> Said:
    note = _note(session, lambda each: endpoint_id in (each.id, each.name))
    return Said("\n".join(filter(None, [f"deleted: {', '.join(session.undeploy(endpoint_id))}", note])))


def _undeploy_all(session: Session, _chosen: str, _namespace: dict[str, Any]) -> Said:
    note = _note(session, lambda each: each.env.get(OWNER) == session.settings.owner)
    deleted = session.undeploy_all()
    return Said("\n".join(filter(None, [f"deleted: {', '.join(deleted)}", note])) if deleted else "nothing to delete")


def _note(session: Session, is_chosen: Callable[[Endpoint], bool]) -> str:
    """Say which of these endpoints come back; the embedded Runpod is not started to be asked."""
    from flash_jupyter.deploy.returning import said_of_return
    from flash_jupyter.session.local import local_info

    settings = session.settings
    if settings.backend == "local" and local_info(settings) is None:
        return ""
    return session.loop.call(said_of_return(session.links.open(settings.backend), is_chosen))


def _cancel(session: Session, job_id: str, _namespace: dict[str, Any]) -> Said:
    return Said(f"{job_id}: {session.cancel(job_id, by='a panel of %flash').text}")


def _attach(session: Session, job_id: str, namespace: dict[str, Any]) -> Said:
    """Bring a job home: wait for its end, bind its names, read its output out."""
    from flash_jupyter.session.events import Display, Event, Stream

    pieces: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, Stream):
            pieces.append(event.text)
        elif isinstance(event, Display):
            pieces.append(f"{event.data.get('text/plain', '')}\n")

    outcome = session.attach(job_id, namespace, emit)
    bound = f"bound: {', '.join(outcome.bound)}" if outcome.bound else "it bound no names"
    value = [f"value: {outcome.value!r}"] if outcome.has_value else []
    rich = f"%flash attach {job_id} in a cell shows its plots too"
    return Said(f"{job_id} · {' · '.join([bound, *value, rich])}", "".join(pieces))


def _logs(session: Session, name: str, _namespace: dict[str, Any]) -> Said:
    from flash_jupyter.session.logs import logs

    found = logs(session, name)
    if len(found) == 1:
        return Said(found[0].title, found[0].text)
    return Said(f"{len(found)} workers", logs_text([log.to_json() for log in found]))


ACTIONS: dict[str, Callable[[Session, str, dict[str, Any]], Said]] = {
    "refresh": _refresh,
    "undeploy": _undeploy,
    "undeploy-all": _undeploy_all,
    "cancel": _cancel,
    "attach": _attach,
    "job-logs": _logs,
    "endpoint-logs": _logs,
}
