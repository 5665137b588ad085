"""The handler of a queue resource of this bundle, written by `flash build`."""

from __future__ import annotations

from flash_jupyter.worker.decorated import find_functions
from flash_jupyter.worker.handler import create_handler
from flash_jupyter.worker.prints import attribute_prints
from flash_jupyter.worker.serving import serve_queue

#: folder of the packages that only this resource has
PACKAGES: str = ""
#: name -> module:attribute
FUNCTIONS: dict[str, str] = {}
#: jobs that a worker runs side by side
MAX_CONCURRENCY: int = 1

if __name__ == "__main__":
    attribute_prints()

FUNCTION_REGISTRY = find_functions(FUNCTIONS, PACKAGES)
handler = create_handler(FUNCTION_REGISTRY)

if __name__ == "__main__":
    serve_queue(handler, MAX_CONCURRENCY)
