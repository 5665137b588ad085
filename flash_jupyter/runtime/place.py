"""Where this worker is: its resource, its environment, its platform, and the key that it may call others with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_jupyter.backend import ENDPOINT_URL, REST_URL, Backend
from flash_jupyter.errors import FlashError

KEY = "RUNPOD_API_KEY"
#: a secret that the platform did not find stays as it was written
_UNRESOLVED = re.compile(r"\{\{\s*RUNPOD_SECRET_(\w+)\s*\}\}")


@dataclass(frozen=True)
class Place:
    """What a deploy, and the platform, say in a worker's environment (flash-wire.md 7.4)."""

    resource: str
    environment_id: str
    api_url: str
    endpoint_url: str
    api_key: str = field(repr=False)

    def backend(self, what: str) -> Backend:
        """Return the platform with the key; raises `FlashError` for a worker without one. `what` says who calls whom.

        The user's own key is on no worker (D12): a restricted one comes as a secret of the platform.
        """
        missing = _UNRESOLVED.search(self.api_key)
        if missing or not self.api_key:
            why = f"the secret {missing[1]} is not stored" if missing else f"this worker has no {KEY}"
            raise FlashError(
                f"{what}, and for that it needs a key: {why}",
                fix="store a restricted key as a secret of Runpod, then: flash deploy send --runtime-secret NAME",
            )
        return Backend("runpod", self.api_url, self.endpoint_url, self.api_key, f"{KEY} of this worker")


def read_place(environ: Mapping[str, str]) -> Place:
    """Read a worker's environment.

    >>> read_place({"FLASH_RESOURCE_NAME": "ocr", "RUNPOD_API_BASE_URL": "https://host/"}).api_url
    'https://host'
    """
    return Place(
        resource=environ.get("FLASH_RESOURCE_NAME", ""),
        environment_id=environ.get("FLASH_ENVIRONMENT_ID", ""),
        api_url=(environ.get("RUNPOD_API_BASE_URL") or REST_URL).rstrip("/"),
        endpoint_url=(environ.get("RUNPOD_ENDPOINT_BASE_URL") or ENDPOINT_URL).rstrip("/"),
        api_key=environ.get(KEY, "").strip(),
    )
