"""How resolvers are written: a function of the field's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Arguments = Mapping[str, Any]
Resolver = Callable[[Arguments], Any]


def field(resolver: Resolver) -> Callable[..., Any]:
    """Return a resolver in the form in which graphql-core calls members of an object: with its own first argument."""
    return lambda _, **arguments: resolver(arguments)
