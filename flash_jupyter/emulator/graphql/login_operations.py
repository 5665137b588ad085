"""The two operations that want no key (flash-wire.md 1.2, text contracts)."""

from __future__ import annotations

from typing import Any

from flash_jupyter.emulator.graphql.fields import Arguments, Resolver
from flash_jupyter.emulator.logins import Logins
from flash_jupyter.emulator.logins_api import show_login


class LoginOperations:
    """Logins over GraphQL."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        return {
            "createFlashAuthRequest": lambda _: show_login(self._logins.create()),
            "flashAuthRequestStatus": self._status,
        }

    def _status(self, arguments: Arguments) -> dict[str, Any]:
        """`flashAuthRequestStatus` - with the key the first time after the approval."""
        login, key = self._logins.collect(arguments["flashAuthRequestId"])
        return {**show_login(login), "apiKey": key}
