"""What a failed job says of itself: a text, or the JSON that the SDK's worker puts there."""

from __future__ import annotations

import ast
import json

from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.own_type import in_own_type


def read_error(text: str) -> str:
    r"""Return what a job's `error` says; the SDK's worker puts JSON into it.

    >>> read_error('{"error_type": "<class \'KeyError\'>", "error_message": "k", "error_traceback": "..."}')
    "<class 'KeyError'>: k"
    """
    try:
        data = json.loads(text)
    except ValueError:
        return text
    if not isinstance(data, dict) or "error_message" not in data:
        return text
    return f"{data.get('error_type', 'error')}: {data['error_message']}"


def read_failure(text: str) -> RemoteExecutionError:
    r"""Make an exception of a failed job's `error`: a text, or the JSON of the SDK's worker.

    >>> read_failure('{"error_type": "<class \'KeyError\'>", "error_message": "k"}').message
    'KeyError: k'
    >>> read_failure("out of paper").message
    'the handler failed: out of paper'
    """
    name, separator, message = read_error(text).partition(": ")
    if separator and name.startswith("<class "):
        kind = ast.literal_eval(name.removeprefix("<class ").removesuffix(">"))
        return in_own_type(RemoteExecutionError(kind, message))
    return RemoteExecutionError("the handler failed", text)
