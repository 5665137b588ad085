"""`%flash logs`: the last lines of an endpoint's workers, or all that a job printed; the same as `flash logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import OptionError
from flash_jupyter.views.listing import json_bundle, logs_text

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session


def show_logs(session: Session, arguments: list[str]) -> dict[str, Any]:
    """Read the words behind `%flash logs`; returns the mime bundle to show."""
    from flash_jupyter.session.logs import LINES, logs

    words = [word for word in arguments if word != "--json"]
    lines = LINES
    if len(words) == 3 and words[1] in ("-n", "--lines") and words[2].isdecimal() and int(words[2]) > 0:
        words, lines = words[:1], int(words[2])
    if len(words) != 1 or words[0].startswith("-"):
        raise OptionError(
            "%flash logs takes the name of an endpoint or the id of a job",
            fix="write %flash logs NAME, %flash logs fj-..., or %flash logs NAME -n 500",
        )
    found = logs(session, words[0], lines=lines)
    if "--json" in arguments:
        return json_bundle({"logs": [log.to_json() for log in found]})
    return {"text/plain": logs_text([log.to_json() for log in found])}
