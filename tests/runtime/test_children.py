"""What a mothership finds to be different from its build, and what it may correct."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.runtime.children import Actual, drift_of, repairs_of
from flash_jupyter.runtime.state import Deployed

MANIFEST: dict[str, Any] = {"source_fingerprint": "f1", "resources": {"ocr": {}, "web": {}}}
OCR, WEB = Deployed("e1", "https://host/v2/e1"), Deployed("e2", "https://e2.host")
CASES = [
    ("all is as it should be", Actual({"ocr": "e1", "web": "e2"}, {"ocr": OCR, "web": WEB}, "f1"), [], {}),
    ("an endpoint is gone", Actual({"ocr": "e1"}, {"ocr": OCR, "web": WEB}, "f1"), ["web has no endpoint"], {}),
    ("the map lacks one", Actual({"ocr": "e1", "web": "e2"}, {"ocr": OCR}, "f1"), ["the map lacks web, which is endpoint e2"], {"web": "e2"}),
    ("the map says the one before", Actual({"ocr": "e9", "web": "e2"}, {"ocr": OCR, "web": WEB}, "f1"), ["the map says e1 for ocr, and it is e9"], {"ocr": "e9"}),
    ("one is of another build", Actual({"ocr": "e1", "web": "e2", "old": "e3"}, {"ocr": OCR, "web": WEB}, "f1"), ["endpoint old is of no resource of this build"], {}),
    ("another build runs", Actual({"ocr": "e9", "web": "e2"}, {"ocr": OCR, "web": WEB}, "f2"), ["the environment runs another build than this worker", "the map says e1 for ocr, and it is e9"], {}),
]  # fmt: skip


@pytest.mark.parametrize(("actual", "drift", "repairs"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_drift_is_told_and_only_the_map_is_corrected(actual: Actual, drift: list[str], repairs: dict[str, str]) -> None:
    assert drift_of(MANIFEST, actual) == drift
    assert repairs_of(MANIFEST, actual) == repairs
