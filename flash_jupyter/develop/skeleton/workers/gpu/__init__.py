"""What needs a GPU."""

from workers.gpu.endpoint import score

__all__ = ["score"]
