"""The call of a function behind an HTTP route, as a request: where each of its arguments goes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flash_jupyter.errors import SerializationError

#: `{name}` or `{name:path}` in a route's path
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def arguments_by_name(
    function: Callable[..., Any], arguments: tuple[tuple[Any, ...], dict[str, Any]]
) -> dict[str, Any]:
    """Name the arguments of a call as the function's parameters; raises `TypeError` where they do not fit.

    >>> arguments_by_name(lambda a, b=2, *rest, **more: None, ((1,), {"c": 3}))
    {'a': 1, 'c': 3}
    """
    return named_arguments(function.__name__, inspect.signature(function), arguments)


def named_arguments(
    label: str, signature: inspect.Signature, arguments: tuple[tuple[Any, ...], dict[str, Any]]
) -> dict[str, Any]:
    """Do the same for a function that is known by its name and its signature."""
    args, kwargs = arguments
    try:
        named = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"{label}() {_as_python_says(str(error))}\n  → {label}{signature}") from None
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and parameter.name in named:
            named.update(named.pop(parameter.name))
    return dict(named)


def _as_python_says(text: str) -> str:
    """Turn what `Signature.bind` says into what follows the name of the function that was called.

    >>> _as_python_says("'a' parameter is positional only, but was passed as a keyword")
    "got some positional-only arguments passed as keyword arguments: 'a'"
    """
    if text.endswith("parameter is positional only, but was passed as a keyword"):  # up to Python 3.12
        return f"got some positional-only arguments passed as keyword arguments: {text.partition(' ')[0]}"
    return text if text.startswith(("got", "missing")) else f"got {text}"


def request_of(method: str, path: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any], bytes | None]:
    """Return the path, the query and the body that carry the arguments of a call.

    >>> request_of("GET", "/items/{id}", {"id": "a/b", "full": True})
    ('/items/a%2Fb', {'full': True}, None)
    >>> request_of("POST", "/items", {"name": "x"})
    ('/items', {}, b'{"name": "x"}')
    """
    left = dict(arguments)
    filled = PARAMETER.sub(lambda match: quote(str(left.pop(match[1])), safe=""), path)
    if method == "GET":
        return filled, left, None
    try:
        return filled, {}, json.dumps(left).encode()
    except (TypeError, ValueError) as error:
        raise SerializationError(
            "the arguments", "the arguments", str(error), fix="pass numbers, text, lists and dicts: routes take JSON"
        ) from None
