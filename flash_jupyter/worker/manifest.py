"""The manifest of the bundle that this worker serves."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: the root of the bundle, which has this file as flash_jupyter/worker/manifest.py
ROOT = Path(__file__).parents[2]
FILE_NAME = "flash_manifest.json"


@functools.cache
def read() -> Mapping[str, Any]:
    """Return the manifest; empty where there is none."""
    try:
        found = json.loads((ROOT / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
