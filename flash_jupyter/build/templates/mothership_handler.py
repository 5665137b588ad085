"""The mothership of this bundle, written by `flash build`: the app's routes, and the state of all endpoints at `/`."""

from __future__ import annotations

from flash_jupyter.runtime.mothership import create_mothership
from flash_jupyter.worker.api import serve_routes
from flash_jupyter.worker.decorated import find_functions

#: folder of the packages that only this resource has
PACKAGES: str = ""
#: module:variable of the project's own app; empty where it has none
MAIN: str = ""

find_functions({}, PACKAGES)
app = create_mothership(MAIN)

if __name__ == "__main__":
    serve_routes(app)
