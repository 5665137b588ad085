"""The HTTP routes of a load balanced resource of this bundle, written by `flash build`."""

from __future__ import annotations

from flash_jupyter.worker.api import create_app, serve_routes
from flash_jupyter.worker.decorated import find_functions

#: folder of the packages that only this resource has
PACKAGES: str = ""
#: name -> module:attribute
FUNCTIONS: dict[str, str] = {}
#: METHOD /path -> name
ROUTES: dict[str, str] = {}

FUNCTION_REGISTRY = find_functions(FUNCTIONS, PACKAGES)
app = create_app({route: FUNCTION_REGISTRY[name] for route, name in ROUTES.items()})

if __name__ == "__main__":
    serve_routes(app)
