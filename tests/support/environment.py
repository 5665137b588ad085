"""The environment of a user without an account, for the kernels and servers that tests start."""

from __future__ import annotations

import os
from pathlib import Path


def plain_environment(home: Path) -> dict[str, str]:
    """The environment of a user without an account, who works as `tester`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUNPOD_", "FLASH_", "JPY_"))}
    return kept | {
        "FLASH_JUPYTER_HOME": str(home),
        "FLASH_JUPYTER_BACKEND": "local",
        "FLASH_JUPYTER_OWNER": "tester",
        "IPYTHONDIR": str(home / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
