"""What needs no GPU."""

from workers.cpu.endpoint import split

__all__ = ["split"]
