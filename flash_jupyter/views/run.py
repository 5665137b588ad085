"""What `flash run` and `%flash run` show: where the server is, its routes with their costs, and what was removed."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from flash_jupyter.views.format import PLACES, escape, faint, money
from flash_jupyter.views.sheet import STYLE, Rows, columns, sheet_html, sheet_text

COLUMNS = columns("method", "path", "function", "endpoint", "hardware", "cost", whole=("path", "cost"))


def event_text(event: Mapping[str, Any]) -> str:
    """Say what happened, for a terminal; empty for what needs no words."""
    said = {
        "serving": _serving_text,
        "reloading": lambda event: f"saved: {', '.join(event['files'])}; starting again",
        "broken": lambda event: f"not served: {error_text(event['error'])}",
        "provisioning": lambda event: str(event["text"]),
        "stopping": _stopping_text,
        "stopped": _stopped_text,
    }
    return said[event["event"]](event)


def error_text(error: Mapping[str, str]) -> str:
    """Write an error as the command line does.

    >>> print(error_text({"message": "no", "fix": "say yes"}))
    no
      → say yes
    """
    return f"{error['message']}\n  → {error['fix']}" if error["fix"] else error["message"]


def head(event: Mapping[str, Any]) -> str:
    """Say where the server is.

    >>> head({"project": "shop", "url": "http://localhost:8889", "taken": 8888, "docs": "/docs", "backend": "local"})
    'shop on http://localhost:8889 (8888 is taken) · explorer http://localhost:8889/docs · runs on the local Runpod'
    """
    taken = f" ({event['taken']} is taken)" if event["taken"] else ""
    docs = f" · explorer {event['url']}{event['docs']}" if event["docs"] else ""
    return f"{event['project']} on {event['url']}{taken}{docs} · runs on {PLACES[event['backend']]}"


def cost_text(place: Mapping[str, Any], backend: str) -> str:
    """Say what the workers of an endpoint cost.

    >>> place = {"usd_per_hour": 2.736, "workers_min": 0, "workers_max": 3}
    >>> cost_text(place, "runpod"), cost_text(place, "local")
    ('at most $2.74 an hour a worker, up to 3', 'free')
    >>> cost_text({**place, "usd_per_hour": None, "workers_min": 1, "workers_max": 1}, "runpod")
    'price not known, 1 worker at most, 1 always'
    """
    if not place:
        return ""
    if backend == "local":
        return "free"
    price = place["usd_per_hour"]
    most, least = place["workers_max"], place["workers_min"]
    parts = [
        "price not known" if price is None else f"at most {money(price)} an hour a worker",
        f"up to {most}" if most > 1 else "1 worker at most",
        *([f"{least} always"] if least else []),
    ]
    return ", ".join(parts)


def notes(event: Mapping[str, Any]) -> list[str]:
    """Say what is worth knowing before the first request."""
    public = f"other machines reach it too: who calls it runs your functions{_at_your_cost(event)}"
    return [
        *([public] if event["is_public"] else []),
        *(["starts again when a file is saved"] if event["reload"] else []),
        "endpoints that this run makes are removed when it ends",
    ]


def rows(event: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the routes as a table has them."""
    return [
        {
            **{key: route[key] for key in ("method", "path", "function")},
            "endpoint": route["place"].get("endpoint", "this process"),
            "hardware": route["place"].get("hardware", ""),
            "cost": cost_text(route["place"], event["backend"]),
        }
        for route in event["routes"]
    ]


def serving_bundle(event: Mapping[str, Any], hint: str = "") -> dict[str, str]:
    """Make the mime bundle of a server that answers; `hint` says how it is ended."""
    links = [f'<a href="{html.escape(event["url"])}" target="_blank">{escape(event["url"])}</a>']
    if event["docs"]:
        docs = html.escape(event["url"] + event["docs"])
        links.append(f'explorer <a href="{docs}" target="_blank">{docs}</a>')
    said = [*notes(event), *([hint] if hint else [])]
    return {
        "text/plain": "\n".join([_serving_text(event), *([hint] if hint else [])]),
        "text/html": (
            f"{STYLE}<div><b>{escape(event['project'])}</b> on {' · '.join(links)} · "
            f"runs on {PLACES[event['backend']]}</div>{sheet_html([Rows(rows(event), COLUMNS)])}{_lines(said)}"
        ),
    }


def stopped_bundle(event: Mapping[str, Any]) -> dict[str, str]:
    """Make the mime bundle of a server that has ended."""
    text = _stopped_text(event)
    return {"text/plain": text, "text/html": _lines(text.splitlines())}


def _serving_text(event: Mapping[str, Any]) -> str:
    listing = sheet_text([Rows(rows(event), COLUMNS)]).splitlines()
    return "\n".join([head(event), *(f"  {line}" for line in listing), *notes(event)])


def _stopping_text(event: Mapping[str, Any]) -> str:
    names: Sequence[str] = event["endpoints"]
    return f"stopping; removing {', '.join(names)}" if names else ""


def _stopped_text(event: Mapping[str, Any]) -> str:
    """Say what is gone, and what is not.

    >>> print(_stopped_text({"deleted": ["a"], "left": [{"name": "b", "usd_per_hour": 1.2}], "problem": "no answer"}))
    stopped; removed: a
    NOT removed: b, at most $1.20 an hour while a worker runs (no answer)
      → flash undeploy b
    """
    lines = [f"stopped; removed: {', '.join(event['deleted'])}" if event["deleted"] else "stopped; nothing to remove"]
    if event["left"]:
        lines[0] = lines[0] if event["deleted"] else "stopped"
    for each in event["left"]:
        price = each["usd_per_hour"]
        cost = f"at most {money(price)} an hour while a worker runs" if price else "free, or its price is not known"
        lines += [f"NOT removed: {each['name']}, {cost} ({event['problem']})", f"  → flash undeploy {each['name']}"]
    return "\n".join(lines)


def _at_your_cost(event: Mapping[str, Any]) -> str:
    return ", at your cost" if event["backend"] == "runpod" else ""


def _lines(lines: Sequence[str]) -> str:
    return "".join(faint(escape(line)) for line in lines)
