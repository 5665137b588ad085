"""How a call ended, as a card: one line of facts, then the value by its richest type, or the error with its frames.

Pure: facts and the value's own mime bundle in, a mime bundle out. Colours are the page's.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from flash_jupyter.views.format import duration, escape, money
from flash_jupyter.views.sheet import DOTS

#: what HTML can hold besides HTML itself, richest first
IMAGES = ("image/png", "image/jpeg", "image/gif")


def job_output_bundle(
    facts: Mapping[str, Any], value: Mapping[str, Any] | None, error: Sequence[str] = ()
) -> dict[str, Any]:
    """Make the mime bundle of an output; `value` is None where there is none, `error` has the lines of a traceback.

    What HTML can't hold, an interactive plot for example, goes into the bundle as it is: frontends that know the type
    prefer it.
    """
    head = facts_text(facts)
    plain, shown = [head], [_head_html(facts)]
    if error:
        plain.append("\n".join(error))
        shown.append(_pre("\n".join(error)))
    elif value is not None:
        plain.append(str(value.get("text/plain", "")))
        shown.append(f"<div>{value_html(value)}</div>")
    others = {kind: data for kind, data in (value or {}).items() if kind.startswith("application/")}
    return {**others, "text/plain": "\n".join(plain), "text/html": f"<div>{''.join(shown)}</div>"}


def facts_text(facts: Mapping[str, Any]) -> str:
    """Say in one line how a job ended, where, how long it waited and ran, and what it cost.

    >>> facts_text({"id": "fj-1", "status": "COMPLETED", "endpoint": "trainer", "worker_id": "w1",
    ...             "delay_time_ms": 42, "execution_time_ms": 75_000, "cost_usd": 0.0142})
    'COMPLETED · fj-1 · trainer · worker w1 · waited 42 ms · ran 1 min 15 s · $0.0142'
    >>> facts_text({"id": "", "status": "COMPLETED"})
    'COMPLETED · here'
    """
    return f"{facts['status']} · {' · '.join(_details(facts))}"


def _details(facts: Mapping[str, Any]) -> list[str]:
    delay_ms, execution_ms, cost = (facts.get(key) for key in ("delay_time_ms", "execution_time_ms", "cost_usd"))
    parts = [
        facts["id"] or "here",
        facts.get("endpoint"),
        f"worker {facts['worker_id']}" if facts.get("worker_id") else "",
        "" if delay_ms is None else f"waited {_took(delay_ms)}",
        "" if execution_ms is None else f"ran {_took(execution_ms)}",
        "" if cost is None else money(cost),
    ]
    return [part for part in parts if part]


def _took(milliseconds: int) -> str:
    """Write a platform's time.

    >>> _took(4), _took(1500)
    ('4 ms', '1.5 s')
    """
    return f"{milliseconds} ms" if milliseconds < 1000 else duration(milliseconds / 1000)


def _head_html(facts: Mapping[str, Any]) -> str:
    status = facts["status"]
    color = DOTS.get(status, "inherit")
    details = escape(" · ".join(_details(facts)))
    return (
        f'<div style="font-size:90%;margin-bottom:.3em"><span style="color:{color}">●</span> {escape(status)} '
        f'<span style="opacity:.7">· {details}</span></div>'
    )


def value_html(value: Mapping[str, Any]) -> str:
    r"""Return a value as HTML by the richest of its types that HTML can hold.

    >>> value_html({"text/plain": "<Figure>", "image/png": "iVBOR\n"})
    '<img alt="&lt;Figure&gt;" src="data:image/png;base64,iVBOR">'
    >>> value_html({"text/plain": "1 < 2"})
    '<pre style="margin:0;font-size:var(--jp-code-font-size, inherit)">1 &lt; 2</pre>'
    """
    for kind in ("text/html", "image/svg+xml"):
        if kind in value:
            return str(value[kind])
    for kind in IMAGES:
        if kind in value:
            alt, data = html.escape(str(value.get("text/plain", ""))), "".join(str(value[kind]).split())
            return f'<img alt="{alt}" src="data:{kind};base64,{data}">'
    if "text/latex" in value:  # Jupyter sets formulas in HTML too
        return f"<div>{html.escape(str(value['text/latex']))}</div>"
    return _pre(str(value.get("text/plain", "")))


def _pre(text: str) -> str:
    return f'<pre style="margin:0;font-size:var(--jp-code-font-size, inherit)">{escape(text)}</pre>'
