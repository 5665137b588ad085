"""The driver in a worker as the stock image has it: what a cell binds, changes, prints, raises."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from cells import Notebook, WorkerProcess, text


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def notebook(worker: WorkerProcess) -> Notebook:
    return Notebook(worker)


def test_the_cell_sees_what_it_reads_and_binds_what_it_binds(notebook: Notebook) -> None:
    notebook.here("import math; K = 3\ndef helper(x): return x * K")
    answer = notebook.there("y = helper(2) + math.pi\nprint('on the worker')\ny", ["math", "K", "helper"])
    assert notebook.names["y"] == 6 + notebook.names["math"].pi
    assert answer.result == notebook.names["y"]
    assert text(answer) == "on the worker\n"


def test_a_helper_sees_a_constant_that_the_cell_sets(notebook: Notebook) -> None:
    notebook.here("K = 3\ndef helper(x): return x * K")
    notebook.there("K = 10\nz = helper(2)", ["K", "helper"])
    assert notebook.names["z"] == 20
    assert notebook.names["helper"](1) == 10


def test_an_instance_comes_back_as_an_instance_of_the_same_class(notebook: Notebook) -> None:
    notebook.here("K = 3\nclass P:\n    v = 1\n    def scaled(self): return self.v * K")
    notebook.here("p = P()")
    cls, p = notebook.names["P"], notebook.names["p"]
    notebook.there("q = P(); p.v = 5", ["P", "p", "K"])
    assert type(notebook.names["q"]) is cls
    assert notebook.names["P"] is cls
    assert notebook.names["p"] is p
    assert p.v == 5
    notebook.names["K"] = 100
    assert p.scaled() == 500


CHANGES = [
    ("a list that was appended to", "x = [1]", "x.append(2)", "x == [1, 2]"),
    ("a list that was emptied", "x = [1]", "x.clear()", "x == []"),
    ("a dict", "x = {'a': 1}", "x['b'] = 2; del x['a']", "list(x.items()) == [('b', 2)]"),
    ("a set", "x = {1}", "x.add(2)", "x == {1, 2}"),
    ("a deque", "import collections; x = collections.deque([1], maxlen=2)", "x.extend([2, 3])", "list(x) == [2, 3]"),
    ("a bytearray", "x = bytearray(b'ab')", "x[0] = 90", "x == b'Zb'"),
    ("an array", "import numpy; x = numpy.zeros(3)", "x[1] = 7", "x.tolist() == [0, 7, 0]"),
    ("a large array, whose buffer travels on its own", "import numpy; x = numpy.zeros(90_000)", "x[1] = 7", "x[1] == 7"),
    ("an array that is not contiguous", "import numpy; x = numpy.zeros((4, 4))[:, ::2]", "x[1, 1] = 7", "x[1, 1] == 7"),
    ("an array of objects", "import numpy; x = numpy.array([[], 'a'], dtype=object)", "x[1] = 'b'", "x[1] == 'b'"),
    ("an array of dates", "import numpy; x = numpy.array(['2026-01-01'], 'M8[D]')", "x += 1", "str(x[0]) == '2026-01-02'"),
    ("a data frame", "import pandas; x = pandas.DataFrame({'a': [1]})", "x['b'] = 2", "list(x.columns) == ['a', 'b']"),
    ("a series", "import pandas; x = pandas.Series([1, 2])", "x[0] = 9", "x[0] == 9"),
    ("a subclass of dict", "import collections; x = collections.Counter('a')", "x['b'] += 2", "x['b'] == 2"),
    ("an instance", "class A: pass\nx = A()", "x.n = 1", "x.n == 1"),
    ("an instance that lost an attribute", "class A: pass\nx = A(); x.n = 1", "del x.n", "vars(x) == {}"),
    ("an instance with slots", "class A: __slots__ = ('n',)\nx = A(); x.n = 1", "x.n = 2", "x.n == 2"),
    ("a class", "class x: n = 0", "x.n = 1; x.m = 2", "x.n == 1 and x.m == 2"),
    ("a function's attribute", "def x(): pass", "x.calls = 1", "x.calls == 1"),
    ("what a closure counted", "def make():\n n = [0]\n k = 0\n def f():\n  nonlocal k; k += 1; return k\n return f\nx = make()",
     "x(); x()", "x() == 3"),
    ("a nested list", "x = {'a': [1, [2]]}", "x['a'][1].append(3)", "x == {'a': [1, [2, 3]]}"),
]  # fmt: skip


@pytest.mark.parametrize(("setup", "cell", "holds"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_reaches_every_alias(notebook: Notebook, setup: str, cell: str, holds: str) -> None:
    notebook.here(f"{setup}\nalias = x")
    reads = ["x", "A"] if "A" in notebook.names else ["x"]
    notebook.there(cell, reads)
    assert notebook.names["alias"] is notebook.names["x"]
    assert eval(holds, notebook.names)


def test_what_is_unchanged_keeps_its_identity(notebook: Notebook) -> None:
    notebook.here("xs = [1]; d = {'xs': xs}; t = (xs, 1)")
    xs, d, t = (notebook.names[name] for name in ("xs", "d", "t"))
    notebook.there("y = [xs, d, t]; z = d['xs']", ["xs", "d", "t"])
    assert notebook.names["y"][0] is xs
    assert notebook.names["y"][1] is d
    assert notebook.names["y"][2] is t
    assert notebook.names["z"] is xs


def test_names_that_only_read_are_not_compared(notebook: Notebook) -> None:
    notebook.here("xs = [1]")
    notebook.there("xs.append(2)", ["xs"], mutable=[])
    assert notebook.names["xs"] == [1]


def test_shared_references_survive_both_ways(notebook: Notebook) -> None:
    notebook.here("inner = [1]; a = [inner]; b = [inner]")
    notebook.there("same = a[0] is b[0]; new = [0]; c = [new]; d = [new]", ["a", "b"])
    names = notebook.names
    assert names["same"] is True
    assert names["c"][0] is names["d"][0]
    assert names["a"][0] is names["b"][0]


def test_an_opaque_object_is_bound_anew_where_it_changed(notebook: Notebook) -> None:
    notebook.here("import numpy; g = numpy.random.default_rng(1); holder = [g]; kept = numpy.random.default_rng(2)")
    kept = notebook.names["kept"]
    notebook.there("v = g.random(); w = [kept]", ["g", "holder", "kept"])
    assert notebook.names["holder"][0] is notebook.names["g"]
    expected = notebook.names["numpy"].random.default_rng(1)
    expected.random()
    assert notebook.names["g"].random() == expected.random()
    assert notebook.names["w"][0] is kept


def test_what_was_bound_before_an_exception_comes_home(notebook: Notebook) -> None:
    answer = notebook.there("for i in range(3):\n    a = i\nprint('so far')\nraise ValueError('no') from KeyError('k')")
    assert notebook.names["a"] == notebook.names["i"] == 2
    assert text(answer) == "so far\n"
    assert answer.order["status"] == "error"
    error = answer.order["error"]
    assert (error["type"], error["message"]) == ("ValueError", "no")
    assert error["frames"] == [
        {"filename": "Cell In[3]", "line": 4, "name": "<module>", "text": "raise ValueError('no') from KeyError('k')"}
    ]
    assert [(cause["text"], cause["frames"]) for cause in error["chain"]] == [("KeyError: 'k'", [])]


def test_a_cause_has_frames_of_its_own(notebook: Notebook) -> None:
    answer = notebook.there(
        "def f(): raise KeyError('k')\ntry: f()\nexcept KeyError as e: raise ValueError('no') from e"
    )
    (cause,) = answer.order["error"]["chain"]
    assert cause["text"] == "KeyError: 'k'"
    assert [(frame["line"], frame["name"]) for frame in cause["frames"]] == [(2, "<module>"), (1, "f")]


def test_a_cause_that_from_none_hides_is_not_told(notebook: Notebook) -> None:
    answer = notebook.there("try: {}['k']\nexcept KeyError: raise ValueError('no') from None")
    assert answer.order["error"]["chain"] == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes and groups are Python 3.11's")
def test_notes_and_members_of_a_group_are_told(notebook: Notebook) -> None:
    answer = notebook.there(
        "e = ExceptionGroup('many', [ValueError('a'), ExceptionGroup('in', [KeyError('b')])])\n"
        "e.add_note('in row 7')\nraise e"
    )
    assert answer.order["error"]["message"] == (
        "many (2 sub-exceptions)\nin row 7\n1. ValueError: a\n2. ExceptionGroup: in (1 sub-exception)\n   1. KeyError: 'b'"
    )


def test_a_frame_of_a_local_module_has_the_path_that_it_has_here(notebook: Notebook) -> None:
    answer = notebook.there("import shop.price\nshop.price.f()", modules={"shop/price.py": "def f(): 1 / 0"})
    assert answer.order["error"]["frames"][-1] == {
        "filename": "shop/price.py",
        "line": 1,
        "name": "f",
        "text": "def f(): 1 / 0",
    }


def test_a_result_that_cannot_be_pickled_is_named_and_the_others_arrive(notebook: Notebook) -> None:
    answer = notebook.there(
        "import threading\nclass C: pass\ncfg = C(); cfg.a = {'k': [threading.Lock()]}\nb = 2\n_l = cfg"
    )
    assert notebook.names["b"] == 2
    assert "cfg" not in notebook.names
    (failure,) = answer.failed
    assert (failure["path"], failure["culprit"]) == ("cfg → .a → ['k'] → [0]", "_thread.lock")


def test_a_last_expression_that_cannot_be_pickled_comes_as_its_representation(notebook: Notebook) -> None:
    answer = notebook.there("import threading\nthreading.Lock()")
    assert answer.has_result is False
    assert "_thread.lock" in answer.order["result_bundle"][0]["text/plain"]


def test_a_change_that_cannot_be_pickled_is_named_and_the_others_arrive(notebook: Notebook) -> None:
    notebook.here("xs = []; ys = []")
    answer = notebook.there("import threading\nxs.append(threading.Lock()); ys.append(1)", ["xs", "ys"])
    assert notebook.names["ys"] == [1]
    assert notebook.names["xs"] == []
    assert answer.failed[0]["path"].startswith("xs")


OUTPUT = [
    ("stdout and stderr in order", "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')",
     [("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c\n")]),
    ("a shell line", "get_ipython().system('echo {1 + 1} $HOME_OF_NOBODY')", [("stdout", "2\n")]),
    ("what is written below Python, in order",
     "import os, subprocess\nprint('a')\nos.write(1, b'b\\n')\nprint('c')\nsubprocess.run(['echo', 'd'])\nprint('e');",
     [("stdout", "a\nb\nc\nd\ne\n")]),
    ("what C code prints", "import ctypes\nctypes.CDLL(None).printf(b'from C\\n');", [("stdout", "from C\n")]),
    ("a warning", "import warnings\nwarnings.warn('careful')", None),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected"), [c[1:] for c in OUTPUT], ids=[c[0] for c in OUTPUT])
def test_output(notebook: Notebook, cell: str, expected: list[tuple[str, str]] | None) -> None:
    answer = notebook.there(cell)
    pieces = [(event["t"], event["text"]) for _, event in answer.order["events"]]
    events = [(name, "".join(text for _, text in run)) for name, run in groupby(pieces, key=lambda piece: piece[0])]
    if expected is None:
        assert "careful" in text(answer, "stderr")
    else:
        assert events == expected


def test_display_shows_the_richest_representation_and_updates(notebook: Notebook) -> None:
    notebook.here("class H:\n    def _repr_html_(self): return '<b>h</b>'")
    answer = notebook.there("h = display(H(), display_id='d1')\nh.update(H())", ["H"])
    first, second = (event for _, event in answer.order["events"])
    assert (first["t"], first["id"], first["data"]["text/html"]) == ("display", "d1", "<b>h</b>")
    assert (second["t"], second["id"]) == ("update", "d1")


def test_ipythons_own_display_is_led_to_the_notebook(notebook: Notebook) -> None:
    answer = notebook.there("from IPython.display import display as show, HTML\nshow(HTML('<i>x</i>'))")
    (event,) = (event for _, event in answer.order["events"])
    assert event["data"]["text/html"] == "<i>x</i>"


def test_figures_are_shown_without_any_setting(notebook: Notebook) -> None:
    cell = "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nplt.plot([2, 1])\nNone"
    answer = notebook.there(cell)
    assert [sorted(event["data"]) for _, event in answer.order["events"]] == [["image/png", "text/plain"]] * 2


def test_what_a_thread_of_the_host_prints_is_not_the_cells(worker: WorkerProcess, notebook: Notebook) -> None:
    notebook.there("import threading, time\ndef talk():\n    for _ in range(40):\n        print('chatter'); time.sleep(0.01)\n"
                   "threading.Thread(target=talk).start();")  # fmt: skip
    answer = notebook.there("import time\nprint('mine')\ntime.sleep(0.1);")
    assert text(answer) == "mine\n"


def test_top_level_await(notebook: Notebook) -> None:
    notebook.there(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 3\nw = await f()\nw2 = [await f() for _ in 'ab']"
    )
    assert (notebook.names["w"], notebook.names["w2"]) == (3, [3, 3])


def test_asyncio_run_in_a_cell(notebook: Notebook) -> None:
    notebook.there("import asyncio\nasync def f(): return 3\nw = asyncio.run(f())")
    assert notebook.names["w"] == 3


EXITS = [("with a number", "import sys; sys.exit(3)", 3), ("with nothing", "exit = None; raise SystemExit", 0)]


@pytest.mark.parametrize(("cell", "code"), [c[1:] for c in EXITS], ids=[c[0] for c in EXITS])
def test_sys_exit_ends_the_cell_and_not_the_worker(notebook: Notebook, cell: str, code: int) -> None:
    answer = notebook.there(f"a = 1\n{cell}")
    assert (answer.order["status"], answer.order["exit_code"]) == ("exit", code)
    assert notebook.names["a"] == 1
    assert notebook.there("1").result == 1


def test_a_semicolon_hides_the_value(notebook: Notebook) -> None:
    assert notebook.there("1 + 1;  # quiet").has_result is False


def test_env_reaches_the_cell_and_is_masked_on_the_way_and_in_the_output(worker: WorkerProcess) -> None:
    seen: list[dict[str, Any]] = []

    def spy(request: dict[str, Any]) -> dict[str, Any]:
        seen.append(request)
        return worker(request)

    watched = Notebook(spy)
    cell = "import os\nok = os.environ['TOKEN'] == 'hf_' + 'abcdefgh'\nprint(os.environ['TOKEN'])"
    answer = watched.there(cell, env={"TOKEN": "hf_abcdefgh"})
    assert watched.names["ok"] is True
    assert b"hf_abcdefgh" not in base64.b64decode(seen[0]["args"][0])
    assert text(answer) == "••••••\n"
    watched.there("import os\ngone = 'TOKEN' not in os.environ")
    assert watched.names["gone"] is True


def test_local_modules_travel_and_an_edit_is_seen(notebook: Notebook) -> None:
    first = {
        "shop/__init__.py": "",
        "shop/price.py": "from .tax import rate\ndef gross(x): return x * rate",
        "shop/tax.py": "rate = 2",
    }
    notebook.there("from shop.price import gross\na = gross(1)", modules=first)
    notebook.there("from shop.price import gross\nb = gross(1)", modules={**first, "shop/tax.py": "rate = 3"})
    assert (notebook.names["a"], notebook.names["b"]) == (2, 3)


def test_a_submodule_is_loaded_as_it_is_here(notebook: Notebook) -> None:
    notebook.here("import wsgiref.util")
    notebook.there("scheme = wsgiref.util.guess_scheme({})", ["wsgiref"], submodules=["wsgiref.util"])
    assert notebook.names["scheme"] == "http"


def test_a_module_path_may_not_leave_its_folder(notebook: Notebook) -> None:
    answer = notebook.there("1", modules={"../evil.py": ""})
    assert answer.order["status"] == "error"
    assert "leads out of its folder" in answer.order["error"]["message"]


def test_only_what_was_asked_for_returns(notebook: Notebook) -> None:
    notebook.there("a = 1; b = 2", out=["b"])
    assert "a" not in notebook.names
    assert notebook.names["b"] == 2


def test_changes_to_what_was_not_asked_for_stay_there(notebook: Notebook) -> None:
    notebook.here("xs = []; ys = []")
    notebook.there("xs.append(1); ys.append(1)", ["xs", "ys"], out=["ys"])
    assert (notebook.names["xs"], notebook.names["ys"]) == ([], [1])


def test_del_removes_the_name_here_too(notebook: Notebook) -> None:
    notebook.here("a = 1; b = 2")
    notebook.there("del a", ["a", "b"])
    assert "a" not in notebook.names
    assert notebook.names["b"] == 2


def test_classes_and_functions_of_the_cell_come_home_and_see_the_notebook(notebook: Notebook) -> None:
    notebook.here("K = 3\nclass P: pass")
    notebook.there("class Q(P):\n    def k(self): return K\ndef f(): return K", ["K", "P"])
    notebook.names["K"] = 8
    assert issubclass(notebook.names["Q"], notebook.names["P"])
    assert notebook.names["Q"]().k() == notebook.names["f"]() == 8


def test_enums_and_dataclasses_keep_their_class(notebook: Notebook) -> None:
    notebook.here(
        "import enum, dataclasses\nclass C(enum.Enum):\n    A = 1\n@dataclasses.dataclass\nclass D:\n    c: C"
    )
    notebook.there("d = D(C.A); c = C.A", ["C", "D"])
    assert notebook.names["c"] is notebook.names["C"].A
    assert type(notebook.names["d"]) is notebook.names["D"]
    assert notebook.names["d"].c is notebook.names["C"].A


def test_a_result_that_no_answer_holds_is_said_with_its_size(notebook: Notebook) -> None:
    answer = notebook.there("import numpy\nnumpy.random.default_rng(0).random(3_000_000)")
    assert answer.order["status"] == "too_large"


def test_a_type_that_is_missing_over_there_says_so_in_the_answer(notebook: Notebook) -> None:
    notebook.here("import decimal; x = decimal.Decimal(1)")
    answer = notebook.there("y = x + 1", ["x"])
    assert str(notebook.names["y"]) == "2"
    assert answer.absent == frozenset()


def test_a_dependency_that_does_not_exist_is_an_error_that_names_it(notebook: Notebook, tmp_path: Path) -> None:
    answer = notebook.there("1", deps=["surely-no-such-package-x1"], env={"FLASH_JUPYTER_OVERLAYS": str(tmp_path)})
    assert answer.order["status"] == "error"
    assert answer.order["error"]["type"] == "DependencyError"
    assert "surely-no-such-package-x1" in answer.order["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_a_requirement_that_is_met_installs_nothing(notebook: Notebook) -> None:
    assert notebook.there("1", deps=["numpy>=1"]).order["installed"] == []


def test_a_cached_function_is_cached_there_and_itself_here(notebook: Notebook) -> None:
    notebook.here("import functools\n@functools.lru_cache(maxsize=7)\ndef lc(n): return n + K\nK = 1")
    cached = notebook.names["lc"]
    notebook.there("r = [lc(1), lc(1)]; info = lc.cache_info(); same = lc", ["lc", "K"])
    assert notebook.names["r"] == [2, 2]
    assert (notebook.names["info"].hits, notebook.names["info"].maxsize) == (1, 7)
    assert notebook.names["same"] is cached


def test_what_pickles_but_cannot_be_rebuilt_does_not_take_the_others_with_it(notebook: Notebook) -> None:
    notebook.here("class Odd:\n    def __reduce__(self): return Odd, (1, 2, 3)")
    answer = notebook.there("good = 1\nsaved = Odd()", ["Odd"])
    assert notebook.names["good"] == 1
    assert [failure["name"] for failure in answer.failed] == ["saved"]


@pytest.mark.parametrize("decorator", ["", "@dataclasses.dataclass(slots=True)\n"])
def test_an_instance_with_slots_comes_home(notebook: Notebook, decorator: str) -> None:
    body = "    a: int = 0" if decorator else "    __slots__ = ('a',)"
    notebook.here(f"import dataclasses\n{decorator}class S:\n{body}")
    notebook.there("s = S(); s.a = 5", ["S"])
    assert type(notebook.names["s"]) is notebook.names["S"]
    assert notebook.names["s"].a == 5


def test_a_mutable_default_is_changed_here_too(notebook: Notebook) -> None:
    notebook.here("def f(x, acc=[]):\n    acc.append(x)\n    return acc\nf(5)")
    notebook.there("f(6);", ["f"])
    assert notebook.names["f"](7) == [5, 6, 7]


def test_a_stream_that_was_kept_writes_to_the_cell_that_runs(notebook: Notebook) -> None:
    notebook.there(
        "import logging, sys\nlogging.basicConfig(level=20, stream=sys.stderr, force=True)\nlogging.info('one')"
    )
    answer = notebook.there("import logging\nlogging.warning('two')")
    assert text(answer, "stderr") == "WARNING:root:two\n"


def test_a_task_outlives_its_statement(notebook: Notebook) -> None:
    cell = "import asyncio\nasync def w():\n    await asyncio.sleep(0)\n    return 3\nt = asyncio.create_task(w())\nawait t"
    assert notebook.there(cell).result == 3


def test_a_hash_in_a_string_is_no_comment(notebook: Notebook) -> None:
    assert notebook.there("'a;#b'").result == "a;#b"


def test_the_largest_values_stay_there_and_the_small_ones_arrive(notebook: Notebook) -> None:
    answer = notebook.there("import numpy\nbig = numpy.random.default_rng(0).random(3_000_000)\nsmall = 1\nsmall")
    assert list(answer.order["left"]) == ["big"]
    assert notebook.names["small"] == answer.result == 1
