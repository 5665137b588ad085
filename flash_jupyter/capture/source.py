"""From what the user typed to plain Python, as IPython would do it: `%magic`, `!command` and `obj?` become calls.

The lines keep their numbers, because a traceback and our own errors name them: what IPython drops (blank lines at the
top, the later lines of a continued magic) is put back as empty lines.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile

from IPython.core.inputtransformer2 import TransformerManager


class _LineKeeper(TransformerManager):  # type: ignore[misc]  # IPython is untyped
    """IPython's transformer; a construct that shrinks leaves empty lines behind it."""

    def do_one_token_transform(self, lines: list[str]) -> tuple[bool, list[str]]:
        """Transform the first construct found; the first line that differs is the line it was made from."""
        changed, new = super().do_one_token_transform(lines)
        missing = len(lines) - len(new)
        if missing > 0:
            first = next((i for i, (a, b) in enumerate(zip(lines, new, strict=False)) if a != b), len(new) - 1)
            new = [*new[: first + 1], *["\n"] * missing, *new[first + 1 :]]
        return changed, new


@lru_cache(maxsize=256)
def transform(cell: str) -> str:
    r"""Return the cell as plain Python; plain Python comes back as it is.

    >>> transform("x = 1\n!nvidia-smi\n")
    "x = 1\nget_ipython().system('nvidia-smi')\n"
    """
    lines = cell.splitlines(keepends=True)
    blank = sum(1 for _ in takewhile(lambda line: not line.strip(), lines))
    if blank == len(lines):
        return ""
    # a fresh manager, because a notebook's own one may hold transformers which are not ours to run
    transformed: str = _LineKeeper().transform_cell(cell)
    return "\n" * blank + transformed
