"""A Runpod, as everything knows it that talks to one: URLs and a key (D1). It is shipped; `settings` is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BackendName = Literal["local", "runpod"]

REST_URL = "https://api.runpod.io"
ENDPOINT_URL = "https://api.runpod.ai/v2"


@dataclass(frozen=True)
class Backend:
    """A Runpod: where its planes are, and the key for them; `key_origin` says where the key came from."""

    name: BackendName
    api_url: str
    endpoint_url: str
    api_key: str = field(repr=False)
    key_origin: str

    @property
    def is_paired(self) -> bool:
        """Whether both URLs are of one platform, as far as we know: of ours, of the docs, or both told by the user.

        >>> Backend("runpod", "https://api.else", ENDPOINT_URL, "", "").is_paired
        False
        """
        return self.name == "local" or (self.api_url == REST_URL) == (self.endpoint_url == ENDPOINT_URL)
