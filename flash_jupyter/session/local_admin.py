"""The embedded Runpod's own routes, from outside: faults on demand, and its clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flash_jupyter.errors import EmulatorError, OptionError
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings

TIMEOUT_S = 30.0


@lru_cache(maxsize=1)
def fault_table() -> dict[str, dict[str, Any]]:
    """Return the list of faults, read as text: the emulator is never imported here."""
    path = Path(__file__).parents[1] / "emulator" / "faults.json"
    kinds: dict[str, dict[str, Any]] = json.loads(path.read_text())["kinds"]
    return kinds


class LocalAdmin:
    """Asks the embedded Runpod of the data folder; raises `EmulatorError` when none runs."""

    def __init__(self, settings: Settings) -> None:
        info = local_info(settings)
        if info is None:
            raise EmulatorError("the embedded Runpod does not run", fix="start it: flash local start")
        self._info = info

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are set, those in endpoints' names last."""
        faults: list[dict[str, Any]] = self._ask("GET", "faults")["faults"]
        return faults

    def set_fault(self, kind: str, **parameters: Any) -> dict[str, Any]:
        """Set a fault and return it; raises `OptionError` for what does not exist."""
        return self._ask("POST", "faults", body={"kind": kind, **parameters})

    def clear_faults(self, kind: str | None = None) -> int:
        """Take back what was set, all or of one kind; returns how many."""
        return int(self._ask("DELETE", "faults", query={} if kind is None else {"kind": kind})["removed"])

    def clock(self) -> dict[str, Any]:
        """Return `now` (RFC 3339) and `ahead_s`, seconds ahead of the machine's clock."""
        return self._ask("GET", "clock")

    def advance_clock(self, seconds: float) -> dict[str, Any]:
        """Put the clock forward; when this returns, what was due has happened."""
        return self._ask("POST", "clock", body={"advance_s": seconds})

    def _ask(
        self, method: str, route: str, *, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        import httpx

        headers = {"Authorization": f"Bearer {self._info.api_key}"}
        url = f"{self._info.url}/_flash/{route}"
        try:
            answer = httpx.request(
                method, url, headers=headers, json=body, params=query, timeout=TIMEOUT_S, trust_env=False
            )
        except httpx.TransportError as error:
            raise EmulatorError(
                f"the embedded Runpod at {self._info.url} does not answer: {error}",
                fix="look at its log: flash local logs",
            ) from None
        if answer.status_code == 400:
            raise OptionError(answer.json()["error"], fix="the list: flash local faults --help")
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document
