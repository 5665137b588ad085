"""Need 11: what a cold start has installed is kept, the next one says so, and a changed cell provisions nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flash_jupyter.session.local import local_info

pytestmark = pytest.mark.journey

INSTALLED = "1 package installed, kept on the volume for other workers"
CACHED = "1 package from the volume's cache, nothing installed"


def releases(desk: Any) -> dict[str, int]:
    """How many configurations each endpoint has had, by its id: a create is one, every change one more."""
    info = local_info(desk.settings)
    assert info is not None
    with httpx.Client(base_url=info.url, headers={"Authorization": f"Bearer {info.api_key}"}, trust_env=False) as http:
        listed = http.get("/v2/serverless").json()["endpoints"]
        return {e["id"]: len(http.get(f"/v2/serverless/{e['id']}/releases").json()["releases"]) for e in listed}


def test_need_11_a_new_worker_finds_on_the_volume_what_the_first_one_installed(desk: Any) -> None:
    notebook = desk.open()
    line = "%%remote cpu=cpu3c-2-4 volume=models:10 deps=cowsay"
    first = notebook.ok(f"{line} name=first\nimport cowsay, os\nplace, pid = cowsay.__file__, os.getpid()")
    assert INSTALLED in first.status_lines
    assert not {INSTALLED, CACHED} & set(notebook.ok(f"{line} name=first\nimport cowsay").status_lines)
    second = notebook.ok(f"{line} name=second\nimport cowsay, os\nassert pid != os.getpid()\ncowsay.__file__ == place")
    assert second.result == "True"
    assert CACHED in second.status_lines


def test_need_11_a_changed_cell_provisions_nothing(desk: Any) -> None:
    notebook = desk.open()
    notebook.ok("%%remote\nx = 1")
    before = releases(desk)
    assert list(before.values()) == [1]
    for cell in (
        "%%remote\nx = 2",
        "%%remote deps=cowsay\nimport cowsay",
        "big = 'a' * 1000",
        "%%remote timeout=9\nbig",
    ):
        notebook.ok(cell)
    another = desk.open()
    another.ok("%%remote env=A=1 out=y\ny = 3")
    assert releases(desk) == before
