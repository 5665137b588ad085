"""Rows of secrets and of restricted API keys; the id of each is its name."""

from __future__ import annotations

from dataclasses import dataclass, field

from flash_jupyter.emulator.store_apps import Record


@dataclass(frozen=True)
class Secret(Record):
    """A value that a template's env may refer to."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class RestrictedKey(Record):
    """What an API key may do that is not the user's; `digest` is its SHA-256.

    It may call `endpoints` and those of the flash `environments`, by their ids. `account` is what it may do with
    GraphQL and REST v2: none, read or write.
    """

    digest: str = field(repr=False)
    endpoints: list[str]
    environments: list[str]
    account: str
