"""Loading is quick and light, unloading leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

HEAVY = ("runpod", "torch", "pandas", "matplotlib", "ipywidgets", "pydantic", "httpx", "cloudpickle", "starlette")

TABLES = """
def tables():
    shell, manager = get_ipython(), get_ipython().magics_manager
    return {
        "line": sorted(manager.magics["line"]), "cell": sorted(manager.magics["cell"]),
        "registry": sorted(manager.registry), "configurables": [type(c).__name__ for c in shell.configurables],
        "events": {k: len(v) for k, v in shell.events.callbacks.items()},
        "matchers": len(shell.Completer.custom_matchers), "transformers": len(shell.input_transformers_cleanup),
        "hooks": sorted(shell.hooks),
    }
"""


def test_loading_imports_nothing_heavy(shared_desk: Any) -> None:
    notebook = shared_desk.open(load=False)
    before = set(notebook.value("(__import__('sys').modules.__len__(), sorted(__import__('sys').modules))[1]"))
    # in the same cell: the look for orphans, which comes a little later, does import them
    notebook.ok("%load_ext flash_jupyter\nafter = sorted(__import__('sys').modules)")
    after = set(notebook.value("after"))
    new = {name.split(".")[0] for name in after - before}
    assert new & set(HEAVY) == set()


def test_unloading_leaves_the_shell_as_it_was(shared_desk: Any) -> None:
    notebook = shared_desk.open(load=False)
    notebook.ok("%load_ext storemagic")  # IPython's own part of %load_ext is added at its first use
    notebook.ok(TABLES)
    before = notebook.ok("tables()").result
    notebook.ok("%load_ext flash_jupyter")
    notebook.ok("%%remote\n1")
    threads = notebook.value("[t.name for t in __import__('threading').enumerate()]")
    assert len(threads) > 1
    assert notebook.ok("tables()").result != before
    notebook.ok("%unload_ext flash_jupyter")
    assert notebook.ok("tables()").result == before
    assert notebook.run("%flash status").ename == "UsageError"
    left = notebook.value("[t.name for t in __import__('threading').enumerate() if 'flash' in t.name.lower()]")
    assert left == []


def test_it_can_be_loaded_again(shared_desk: Any) -> None:
    notebook = shared_desk.open()
    notebook.ok("%reload_ext flash_jupyter")
    assert notebook.ok("%%remote\n2").result == "2"


def test_a_magic_of_the_same_name_comes_back(shared_desk: Any) -> None:
    notebook = shared_desk.open(load=False)
    notebook.ok("get_ipython().register_magic_function(lambda line: 'mine', 'line', 'flash')")
    notebook.ok("%load_ext flash_jupyter")
    notebook.ok("%unload_ext flash_jupyter")
    assert notebook.ok("%flash").result == "'mine'"


@pytest.mark.alone
def test_loading_takes_less_than_150_ms(shared_desk: Any) -> None:
    """The limit of the issue; five kernels, the median counts."""
    times = []
    for _ in range(5):
        notebook = shared_desk.open(load=False)
        notebook.ok(
            "import time; started = time.perf_counter()\n%load_ext flash_jupyter\ntook = time.perf_counter() - started"
        )
        times.append(notebook.value("took"))
    assert sorted(times)[2] < 0.150
