"""What `%flash build`, `run` and `deploy send` are about: the path that is named, else this notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.frontend import notebook_name
from flash_jupyter.settings import Settings


def find_source(words: list[str], word: str, shell: Any, settings: Settings) -> Path:
    """Return the path that is named, else this notebook's.

    Raises `OptionError` where nobody says which notebook this is, and where there is no such file.
    """
    if len(words) > 1:
        raise OptionError(f"%flash {word} takes one path, not {' and '.join(words)}", fix=f"write %flash {word} PATH")
    if words:
        path = Path(words[0]).expanduser()
        if not path.exists():
            raise OptionError(f"there is no {path}", fix="give the path of a notebook, a Python file or a folder")
        return path
    name = notebook_name(shell, settings.environ)
    if not name:
        raise OptionError("nobody here says which notebook this is", fix=f"name its file: %flash {word} NOTEBOOK.ipynb")
    if not Path(name).is_file():
        raise OptionError(f"this notebook is not at {name}", fix=f"save it, or name its file: %flash {word} PATH")
    return Path(name)
