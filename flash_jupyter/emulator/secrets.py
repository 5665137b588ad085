"""Secrets: an endpoint's env refers to one as `{{ RUNPOD_SECRET_NAME }}`; only its workers get the value.

Source: Runpod docs, pods/templates/secrets (22 Nov 2026): stored encrypted, never shown again. What a worker gets for a
secret that there is not is not documented; here it does not start, and its log says which one is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.tables import Secret

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_REFERENCE = re.compile(r"\{\{\s*RUNPOD_SECRET_([A-Za-z0-9_-]+)\s*\}\}")


class UnknownSecret(Exception):
    """An env refers to a secret that there is not; the text is for a worker's log."""


class Secrets:
    """The secrets of the account; no method but `fill` gives a value away."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._table, self._clock = store.secrets, clock

    def all(self) -> list[Secret]:
        """Return all secrets, oldest first."""
        return self._table.all()

    def has(self, name: str) -> bool:
        """Whether there is a secret of this name."""
        return self._table.get(name) is not None

    def set(self, name: str, value: str) -> bool:
        """Store a secret, in the place of an older one; returns whether it is new. Raises `Problem` 400.

        Workers that run keep the value that they were started with.
        """
        if not _NAME.fullmatch(name):
            raise Problem(400, f"`{name}` is no name of a secret: letters, digits, _ and -, at most 128")
        if not value:
            raise Problem(400, f"the value of secret {name} is empty")
        older = self._table.get(name)
        self._table.put(Secret(name, older.created_at if older else self._clock(), value))
        return older is None

    def delete(self, name: str) -> None:
        """Forget a secret; raises `Problem` 404."""
        secret = self._table.get(name)
        if secret is None:
            raise Problem(404, f"there is no secret {name}")
        self._table.delete(secret)

    def fill(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return an endpoint's env with the values of its secrets; raises `UnknownSecret`."""
        return {variable: self._filled(variable, text) for variable, text in env.items()}

    def _filled(self, variable: str, text: str) -> str:
        return _REFERENCE.sub(lambda found: self._value(variable, found[1]), text)

    def _value(self, variable: str, name: str) -> str:
        secret = self._table.get(name)
        if secret is None:
            raise UnknownSecret(
                f"{variable} refers to secret {name}, which there is not; make it: flash local secrets set {name}"
            )
        return secret.value
