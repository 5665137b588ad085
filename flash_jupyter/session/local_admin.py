"""The embedded Runpod's own routes, from outside: faults on demand, clock, limits, secrets, restricted keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flash_jupyter.errors import EmulatorError, OptionError
from flash_jupyter.session.links import Link
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings

TIMEOUT_S = 30.0
#: what helps where a route refuses; of the others, their list
_FIXES = {"faults": "the list: flash local faults --help", "clock": "see: flash local clock --help"}


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

    def limits(self) -> list[dict[str, Any]]:
        """Return the control plane's windows: `name`, `quota`, `used`, and `resets_in_s`."""
        windows: list[dict[str, Any]] = self._ask("GET", "limits")["limits"]
        return windows

    def reset_limits(self) -> list[dict[str, Any]]:
        """Forget the requests that the control plane has counted; returns its windows."""
        windows: list[dict[str, Any]] = self._ask("DELETE", "limits")["limits"]
        return windows

    def secrets(self) -> list[dict[str, Any]]:
        """Return the names of the secrets and when they were made; nothing tells their values."""
        found: list[dict[str, Any]] = self._ask("GET", "secrets")["secrets"]
        return found

    def set_secret(self, name: str, value: str) -> bool:
        """Store a secret, in the place of an older one; returns whether it is new."""
        return bool(self._ask("PUT", f"secrets/{quote(name, safe='')}", body={"value": value})["new"])

    def delete_secret(self, name: str) -> None:
        """Forget a secret; raises `OptionError` where there is none."""
        self._ask("DELETE", f"secrets/{quote(name, safe='')}")

    def keys(self) -> list[dict[str, Any]]:
        """Return what each restricted key may do, never the keys."""
        found: list[dict[str, Any]] = self._ask("GET", "keys")["keys"]
        return found

    def create_key(self, name: str, *, endpoints: Sequence[str], environments: Sequence[str], account: str) -> str:
        """Make a restricted key and return it; this is the only time that it is told."""
        body = {"name": name, "endpoints": list(endpoints), "environments": list(environments), "account": account}
        return str(self._ask("POST", "keys", body=body)["key"])

    def delete_key(self, name: str) -> None:
        """Forget a restricted key; raises `OptionError` where there is none."""
        self._ask("DELETE", f"keys/{quote(name, safe='')}")

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
        if answer.status_code in (400, 404, 409):
            group = route.partition("/")[0]
            raise OptionError(answer.json()["error"], fix=_FIXES.get(group, f"see: flash local {group} list"))
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


async def ensure_runtime_secret(
    link: Link, name: str = "flash_runtime_key", *, environment_id: str, account: str = "read"
) -> None:
    """Make sure that the embedded Runpod has the secret by which deployed functions call each other.

    Its value is a restricted key, which nobody sees: it may call the endpoints of this environment, and of those for
    which it was asked before, and reads over GraphQL, or with `account` writes. A secret of this name that the user has
    set stays as it is. For the cloud this does nothing: there the user makes the secret.
    """
    if link.backend.name != "local":
        return
    body = {"name": f"runtime key {name}", "secret": name, "environments": [environment_id], "account": account}
    url = f"{link.backend.api_url}/_flash/keys"
    await link.http.call("POST", url, content=json.dumps(body).encode(), idempotent=True)
