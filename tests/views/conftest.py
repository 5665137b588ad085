"""A display publisher that remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


class Recorder:
    """Stands where IPython's publisher stands; `shown` has (verb, text, display id)."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, str]] = []
        self.bundles: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = []

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        self.bundles.append((data, metadata))
        verb = "update" if update else "display"
        self.shown.append((verb, str(data.get("text/plain", "")), (transient or {}).get("display_id", "")))

    def clear_output(self, wait: bool = False) -> None:
        self.shown.append(("clear", str(wait), ""))

    def texts(self) -> list[tuple[str, str]]:
        return [(verb, text) for verb, text, _ in self.shown]


@pytest.fixture
def publisher() -> Recorder:
    return Recorder()
