"""What a kernel tells its collector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flash_jupyter.session.collect import settings_of
from flash_jupyter.session.keeper import order_of
from flash_jupyter.settings import read_settings


def test_the_collector_gives_up_when_the_kernel_would(tmp_path: Path) -> None:
    said = replace(read_settings({}, project=tmp_path), waiting_after_s=3.0, give_up_unhealthy_s=900.0)
    order = order_of(said, "s1")["settings"]
    assert isinstance(order, dict)
    told = settings_of(order)
    assert (told.waiting_after_s, told.give_up_unhealthy_s) == (3.0, 900.0)
