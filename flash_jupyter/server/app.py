"""What Jupyter's server loads when it starts: the routes, the folder they are about, and the round of the collector.

Importing this must stay quick, for every Jupyter server of the environment does it: what speaks to a Runpod is imported
when the first request comes.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_server.extension.application import ExtensionApp

from flash_jupyter.server.base import DESK
from flash_jupyter.server.collecting import Collecting
from flash_jupyter.server.desk import Desk
from flash_jupyter.server.handlers import routes


class FlashServer(ExtensionApp):
    """Routes under `flash-jupyter/api`, described in `rest-api.yml`."""

    name = "flash_jupyter"

    def initialize_settings(self) -> None:
        """Make the desk, which starts nothing."""
        assert self.serverapp is not None
        self.desk = Desk(Path(self.serverapp.root_dir))
        self.collecting = Collecting(self.desk, self.log)
        self.settings[DESK] = self.desk

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(routes())

    async def _start_jupyter_server_extension(self, _serverapp: object) -> None:
        """Begin the rounds, once the server's loop runs."""
        self.collecting.start()

    async def stop_extension(self) -> None:
        """End the rounds, threads and connections; jobs go on where they are."""
        await self.collecting.stop()
        await self.desk.close()
