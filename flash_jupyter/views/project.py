"""What `flash init` shows: where the new project is, its files, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def project_text(project: Mapping[str, Any], here: Path) -> str:
    """Say what was made and what to do next; `here` is the current folder.

    >>> made = {"name": "shop", "folder": "/w/shop", "files": [".env", "main.py"], "overwritten": [], "kept": []}
    >>> print(project_text(made, Path("/w")))
    made shop in /w/shop: .env, main.py
    next:
      cd shop
      python main.py    # call its functions on the embedded Runpod, or on Runpod with a key in .env
      flash run         # serve them on http://localhost:8888
    """
    lines = [f"made {project['name']} in {project['folder']}: {', '.join(project['files'])}"]
    return "\n".join(
        [*lines, *_besides(project), "next:", *(f"  {step}" for step in steps(Path(project["folder"]), here))]
    )


def steps(folder: Path, here: Path) -> list[str]:
    """Return what to type next."""
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return [
        *([f"cd {shlex.quote(str(shown))}"] if folder != here else []),
        "python main.py    # call its functions on the embedded Runpod, or on Runpod with a key in .env",
        "flash run         # serve them on http://localhost:8888",
    ]


def _besides(project: Mapping[str, Any]) -> list[str]:
    """Say what became of files that were there before."""
    said = {"overwritten": project["overwritten"], "kept as it was": project["kept"]}
    return [f"{word}: {', '.join(files)}" for word, files in said.items() if files]
