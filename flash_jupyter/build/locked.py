"""What a bundle holds, exactly: names, versions and hashes, and no addresses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from flash_jupyter.build.target import UV_PLATFORM

#: the lock's name in a bundle
FILE_NAME = "flash_lock.txt"


@dataclass(frozen=True)
class Pinned:
    """One package; `hashes` are those of its files, as in `sha256:...`."""

    name: str
    version: str
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """The packages of a bundle for one Python, sorted by name.

    `options` name the index that they are from, where the project's files do; they are never part of the text.
    """

    python: str
    packages: tuple[Pinned, ...] = ()
    options: tuple[str, ...] = field(default=(), repr=False)

    def text(self) -> str:
        """Return the file of the bundle, in pip's format: `pip install --require-hashes -r` takes it."""
        head = f"# Python {self.python} on {UV_PLATFORM}\n"
        return head + "".join(
            " \\\n".join([f"{package.name}=={package.version}", *(f"    --hash={each}" for each in package.hashes)])
            + "\n"
            for package in self.packages
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of the text: what is installed from two locks of one digest is the same."""
        return hashlib.sha256(self.text().encode()).hexdigest()
