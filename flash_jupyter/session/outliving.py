"""Processes that outlive ours on purpose: the embedded Runpod and the collector."""

from __future__ import annotations

import subprocess


class Outliving(subprocess.Popen[bytes]):
    """A process that may go on when ours ends; that is no leak to be warned of."""

    def __del__(self) -> None:
        """Say nothing; as long as we live, who started it reaps it."""
