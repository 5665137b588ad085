"""The table of `%%remote dry` and `%flash explain`: what would travel, why, what comes back, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flash_jupyter.views.format import PLACES, money, plural, size
from flash_jupyter.views.sheet import Rows, Sheet, columns

COLUMNS = columns("name", "type", "size", "why", whole=("why",))


def explain_sheet(data: Mapping[str, Any]) -> Sheet:
    """Draw an explanation, as its `to_json` gives it."""
    rows = [_row(row) for row in data["sent"]]
    return [where_text(data), _sent_text(data), *([Rows(rows, COLUMNS)] if rows else []), *_rest(data)]


def where_text(data: Mapping[str, Any]) -> str:
    """Say where the cell would run and what that costs.

    >>> where_text({"endpoint": "trainer", "backend": "runpod", "hardware": "AMPERE_80", "image": "mine:1",
    ...     "python": "3.11", "price_per_hour_usd": 2.736})
    'would run on Runpod · trainer · AMPERE_80 · image mine:1 · Python 3.11 · at most $2.74 per hour of a worker'
    """
    price = data["price_per_hour_usd"]
    cost = f"at most {money(price)} per hour of a worker" if price is not None else _no_price(data["backend"])
    parts = [f"would run on {PLACES[data['backend']]}", data["endpoint"], data["hardware"]]
    if data["backend"] == "runpod":
        parts.append(f"image {data['image']}")
    return " · ".join([*parts, f"Python {data['python']}", cost])


def _no_price(backend: str) -> str:
    return "costs nothing" if backend == "local" else "its price is not documented"


def _row(sent: Mapping[str, Any]) -> dict[str, str]:
    exact = size(sent["size_bytes"])
    return {**sent, "size": exact if sent["is_exact"] else f"at least {exact}"}


def _sent_text(data: Mapping[str, Any]) -> str:
    what = f"sends {plural(len(data['sent']), 'name')}" if data["sent"] else "sends no names"
    if data["size_bytes"] is None:
        return what
    return f"{what}; the request takes at most {size(data['size_bytes'])} of {size(data['limit_bytes'])}"


def _rest(data: Mapping[str, Any]) -> Iterator[str]:
    """What comes back, what is installed, what is odd, and what would stop it."""
    back = [*data["returns"], *(f"{name} if it is changed" for name in data["changes"])]
    yield f"comes back: {', '.join([*back, 'the value of the last expression'])}"
    for label, key in (("packages", "deps"), ("system packages", "apt"), ("environment, values hidden", "env")):
        if data[key]:
            yield f"{label}: {', '.join(data[key])}"
    yield from (f"note: {warning}" for warning in data["warnings"])
    for problem in data["problems"]:
        yield f"stops: {problem['text']}"
        if problem["fix"]:
            yield f"  → {problem['fix']}"
    yield "nothing was sent"
