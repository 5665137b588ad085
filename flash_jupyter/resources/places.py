"""Data centres: which there are, and which take CPU workers."""

from __future__ import annotations

import difflib
import re

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.enums import DataCenter

#: where a volume is made when nobody says where (flash-wire reference 5.4)
DEFAULT_DATA_CENTER = DataCenter.EU_RO_1.value
#: where serverless CPU workers are placed (flash-wire reference 5.5, version 1.21.0)
CPU_DATA_CENTERS = (DataCenter.EU_RO_1.value,)

_ID = re.compile(r"[A-Z]{2,3}-[A-Z]{2,3}-[0-9]{1,2}")


def find_data_center(text: str, *, option: str = "datacenter") -> str:
    """Return the id that `text` means, or raise `OptionError` with the nearest one; case and `_` do not matter.

    >>> find_data_center("eu_ro_1")
    'EU-RO-1'
    """
    wanted = text.strip().upper().replace("_", "-")
    known = [center.value for center in DataCenter]
    if wanted in known:
        return wanted
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    raise OptionError(
        f"{option}={text} is not a data centre that we know",
        fix=f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}",
        suggestion=near[0] if near else None,
    )


def parse_locations(text: str) -> tuple[str, ...]:
    """Read `locations=`: ids with commas between them, also of data centres that are newer than our list.

    >>> parse_locations("US-TX-3, eu-ro-1")
    ('US-TX-3', 'EU-RO-1')
    """
    found = tuple(piece.strip().upper() for piece in text.split(",") if piece.strip())
    for place in found:
        if not _ID.fullmatch(place):
            raise OptionError(
                f"locations={text}: {place} can't name a data centre", fix="write ids as in locations=EU-RO-1,US-KS-2"
            )
    return found


def check_cpu_places(places: tuple[str, ...], *, option: str) -> None:
    """Raise `OptionError` where a CPU endpoint should be in a data centre without CPU workers."""
    wrong = [place for place in places if place not in CPU_DATA_CENTERS]
    if wrong:
        raise OptionError(
            f"{option}={','.join(wrong)} has no CPU workers",
            fix=f"use {option}={','.join(CPU_DATA_CENTERS)}, or leave {option}= away",
        )
