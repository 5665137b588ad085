"""Apps that somebody looks at before they are deployed: they end with the process that made them, however that ends.

The name of such an app says which process it belongs to: `preview:PID:CREATED:PROJECT`, CREATED in seconds
since the epoch, as the machine tells it. This is ours alone: the platform has no previews.
"""

from __future__ import annotations

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.processes import lives

PREFIX = "preview"


class Previews:
    """Removes what processes left behind."""

    def __init__(self, apps: Apps, endpoints: Endpoints) -> None:
        self._apps, self._endpoints = apps, endpoints

    def tidy(self) -> None:
        """Delete the apps of processes that have ended, with their endpoints and their artifacts."""
        for app in self._apps.all():
            if is_left_behind(app.name):
                for environment in self._apps.environments(app):
                    for endpoint in self._apps.endpoints(environment):
                        self._endpoints.delete(endpoint)
                self._apps.delete_app(app.id)


def is_left_behind(name: str) -> bool:
    """Whether an app is a preview whose process is gone.

    >>> is_left_behind("preview:999999999:1.00:shop"), is_left_behind("preview"), is_left_behind("shop")
    (True, False, False)
    """
    prefix, _, rest = name.partition(":")
    pid, _, rest = rest.partition(":")
    created = rest.partition(":")[0]
    if prefix != PREFIX or not pid.isdigit():
        return False
    try:
        return not lives(pid, created)
    except ValueError:
        return True
