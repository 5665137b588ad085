"""From what the user typed to plain Python, as IPython would do it: `%magic`, `!command` and `obj?` become calls.

The lines keep their numbers, because a traceback and our own errors name them: what IPython drops (blank lines at the
top, the later lines of a continued magic) is put back as empty lines.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile

from IPython.core.inputtransformer2 import TransformerManager

from flash_jupyter.errors import OptionError

#: magics for a whole cell that a worker has (`worker/shell.py`), and those that may stand above the remote one
ON_WORKERS, ABOVE = frozenset({"bash", "script", "sh"}), frozenset({"capture", "time"})


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
    comments = sum(1 for _ in takewhile(lambda line: not line.strip() or line.lstrip().startswith("#"), lines))
    if comments < len(lines) and lines[comments].startswith("%%"):
        return "\n" * comments + _nested(lines[comments], "".join(lines[comments + 1 :]))
    # a fresh manager, because a notebook's own one may hold transformers which are not ours to run
    transformed: str = _LineKeeper().transform_cell(cell)
    return "\n" * blank + transformed


def _nested(first: str, body: str) -> str:
    r"""Return the call of a magic that begins the text of a remote cell, or raise `OptionError`.

    >>> _nested("%%bash\n", "ls $HOME\n")
    "get_ipython().run_cell_magic('bash', '', 'ls $HOME\\n')\n"
    """
    name, _, options = first[2:].strip().partition(" ")
    if name in ON_WORKERS:
        return f"get_ipython().run_cell_magic({name!r}, {options.strip()!r}, {body!r})\n"
    raise OptionError(
        f"%%{name} can't stand below %%remote: what it would run is on a worker",
        fix=f"put %%{name} above %%remote" if name in ABOVE else f"leave %%{name} away, or run it in a cell of its own",
    )
