"""A deployed app as a notebook shows it: its functions, where each is asked, and the line for a terminal."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from flash_jupyter.views.format import PLACES, escape
from flash_jupyter.views.sheet import STYLE

#: where the key of a line comes from
LOCAL_KEY = 'the key: eval "$(flash local env)"'
MISSING = "its endpoint is missing: flash deploy send ENV"
_CODE = "white-space: pre-wrap; overflow-wrap: anywhere"


def deployed_bundle(app: Mapping[str, Any]) -> dict[str, str]:
    """Make the mime bundle of an app as `deploy/client.py` describes it.

    >>> score = {"name": "score", "signature": "(text)", "resource": "q", "kind": "queue", "methods": []}
    >>> app = {"app": "shop", "environment": "production", "backend": "runpod", "build_id": "b1", "motherships": []}
    >>> print(deployed_bundle({**app, "functions": [{**score, "url": "U", "curl": "curl U"}]})["text/plain"])
    shop/production on Runpod, build b1
    score(text)
      queue q, U
      curl U
    """
    functions = app["functions"]
    lines = [line for function in functions for line in _lines(function)]
    lines += [f"mothership\n  {url}/docs" for url in app["motherships"]]
    lines += [LOCAL_KEY] if app["backend"] == "local" and functions else []
    rows = "".join(map(_row, functions))
    rows += "".join(f"<tr><td>mothership</td><td>{_link(f'{url}/docs')}</td></tr>" for url in app["motherships"])
    foot = f"<div>{escape(LOCAL_KEY)}</div>" if app["backend"] == "local" and functions else ""
    return {
        "text/plain": "\n".join([_head(app), *lines]),
        "text/html": (
            f'{STYLE}<div class="flash-list"><div>{escape(_head(app))}</div><table><thead><tr><th>function</th>'
            f"<th>where</th></tr></thead><tbody>{rows}</tbody></table>{foot}</div>"
        ),
    }


def _head(app: Mapping[str, Any]) -> str:
    return f"{app['app']}/{app['environment']} on {PLACES[app['backend']]}, build {app['build_id']}"


def _lines(function: Mapping[str, Any]) -> list[str]:
    methods = f", with {', '.join(function['methods'])}" if function["methods"] else ""
    where = f"  {function['kind']} {function['resource']}, {function['url'] or MISSING}"
    return [f"{function['name']}{function['signature']}{methods}", where, *_curl(function)]


def _curl(function: Mapping[str, Any]) -> list[str]:
    return [f"  {function['curl']}"] if function["curl"] else []


def _row(function: Mapping[str, Any]) -> str:
    name, *_ = _lines(function)
    where = escape(MISSING)
    if function["url"]:
        line = f'<code style="{_CODE}">{escape(function["curl"])}</code>'
        where = f"{escape(function['url'])}<details><summary>curl</summary>{line}</details>"
    kind = escape(f"{function['kind']} {function['resource']}")
    shown = f'<code>{escape(name)}</code><div style="opacity:.75">{kind}</div>'
    return f'<tr><td style="vertical-align: top">{shown}</td><td style="white-space: normal">{where}</td></tr>'


def _link(url: str) -> str:
    return f'<a href="{html.escape(url)}" target="_blank" rel="noopener">{escape(url)}</a>'
