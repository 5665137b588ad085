"""What old and app clients ask over GraphQL; only `execution` imports graphql-core, with the first request.

A resolver is a function of its field's arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Arguments = Mapping[str, Any]
Resolver = Callable[[Arguments], Any]


def field(resolver: Resolver) -> Callable[..., Any]:
    """Return a resolver in the form in which graphql-core calls members of an object: with its own first argument."""
    return lambda _, **arguments: resolver(arguments)
