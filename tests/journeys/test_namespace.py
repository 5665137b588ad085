"""Notebook semantics, exactly: what a cell sees, what it changes, and who still is who afterwards."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_a_constant_that_the_cell_sets_is_seen_by_the_helper(notebook: Any) -> None:
    notebook.ok("K = 3\ndef helper(x): return x * K")
    assert notebook.ok("%%remote\nK = 10\nhelper(1)").result == "10"
    assert notebook.value("K, helper(1)") == (10, 10)


def test_an_instance_that_comes_back_is_of_the_notebooks_class(notebook: Any) -> None:
    notebook.ok("SCALE = 2\nclass P:\n    def __init__(self, v): self.v = v\n    def get(self): return self.v * SCALE")
    notebook.ok("%%remote\np = P(21)\nremote_value = p.get()")
    assert notebook.value("type(p) is P, p.get(), remote_value") == (True, 42, 42)
    notebook.ok("SCALE = 3")
    assert notebook.value("p.get()") == 63


def test_a_list_that_the_cell_appended_to_is_the_same_list(notebook: Any) -> None:
    notebook.ok("items = [1]\nalias = items\nuntouched = [9]\nidentity = id(items), id(untouched)")
    notebook.ok("%%remote\nitems.append(untouched[0])")
    assert notebook.value("items, alias is items") == ([1, 9], True)
    assert notebook.value("identity == (id(items), id(untouched))")


MUTATIONS = [
    ("a dict", "x = {'a': 1}", "x['b'] = 2", "{'a': 1, 'b': 2}"),
    ("a set", "x = {1}", "x.add(2)", "{1, 2}"),
    ("a bytearray", "x = bytearray(b'a')", "x += b'b'", "bytearray(b'ab')"),
    ("a deque", "from collections import deque\nx = deque([1])", "x.appendleft(0)", "deque([0, 1])"),
    ("an array", "import numpy as np\nx = np.zeros(2, int)", "x[1] = 5", "array([0, 5])"),
    ("an instance", "class C: pass\nx = C(); x.v = 1", "x.v = 2", None),
    ("an inner list", "x = {'k': [1]}\ninner = x['k']", "x['k'].append(2)", "{'k': [1, 2]}"),
]


@pytest.mark.parametrize(("make", "change", "shown"), [c[1:] for c in MUTATIONS], ids=[c[0] for c in MUTATIONS])
def test_a_changed_object_is_changed_in_place(notebook: Any, make: str, change: str, shown: str | None) -> None:
    notebook.ok(f"{make}\nalias = x")
    notebook.ok(f"%%remote\n{change}")
    assert notebook.value("alias is x")
    if shown is not None:
        assert notebook.ok("x").result == shown


def test_two_names_for_one_object_stay_one_object(notebook: Any) -> None:
    notebook.ok("a = [1]\nb = a")
    notebook.ok("%%remote\na.append(2)\nsame = a is b\nc = [a, b]")
    assert notebook.value("same, a is b, c[0] is c[1], c[0] is a, a") == (True, True, True, True, [1, 2])


def test_what_was_bound_before_an_exception_comes_home(notebook: Any) -> None:
    cell = notebook.run("%%remote\nfor i in range(3):\n    last = i * 10\nraise RuntimeError('stop')\nnever = 1")
    assert cell.error == "stop"
    assert notebook.value("i, last, 'never' in globals()") == (2, 20, False)


def test_deleted_names_are_deleted_here(notebook: Any) -> None:
    notebook.ok("gone = 1\nkept = 2")
    notebook.ok("%%remote\ndel gone")
    assert notebook.value("'gone' in globals(), kept") == (False, 2)


def test_functions_and_classes_of_the_cell_come_home(notebook: Any) -> None:
    notebook.ok("K = 2")
    notebook.ok("%%remote\ndef double(x): return x * K\nclass Q:\n    n = 5\nq = Q()")
    notebook.ok("K = 10")
    assert notebook.value("double(1), type(q) is Q, q.n") == (10, True, 5)


def test_imports_of_the_cell_are_bound_here(notebook: Any) -> None:
    notebook.ok("%%remote\nimport fractions\nfrom decimal import Decimal as D")
    assert notebook.value("str(fractions.Fraction(1, 2)), str(D(1))") == ("1/2", "1")


def test_only_what_out_names_comes_back(notebook: Any) -> None:
    notebook.ok("%%remote out=b\na = 1\nb = 2")
    assert notebook.value("'a' in globals(), b") == (False, 2)


def test_what_drop_names_is_not_sent(notebook: Any) -> None:
    notebook.ok("secret = 1")
    notebook.ok("%%remote drop=secret\ntry:\n    seen = secret\nexcept NameError:\n    seen = 'nothing'")
    assert notebook.value("seen, secret") == ("nothing", 1)


def test_what_only_eval_reads_is_sent_with_include(notebook: Any) -> None:
    notebook.ok("hidden = 5")
    assert notebook.ok("%%remote include=hidden\neval('hid' + 'den')").result == "5"


def test_environment_reaches_the_cell_and_not_the_next_one(notebook: Any) -> None:
    notebook.ok("import os; os.environ['FROM_KERNEL'] = 'k'")
    cell = "import os\nos.environ.get('A'), os.environ.get('FROM_KERNEL')"
    assert notebook.ok(f"%%remote env=A=1,FROM_KERNEL\n{cell}").result == "('1', 'k')"
    assert notebook.ok(f"%%remote\n{cell}").result == "(None, None)"


def test_a_local_module_travels_and_is_read_again_when_edited(notebook: Any, shared_desk: Any) -> None:
    module = shared_desk.folder / "story_utils.py"
    module.write_text("FACTOR = 2\ndef clean(x):\n    return x * FACTOR\n")
    notebook.ok("from story_utils import clean")
    assert notebook.ok("%%remote\nclean(4)").result == "8"
    module.write_text("FACTOR = 200\ndef clean(x):\n    return x * FACTOR + 1\n")
    notebook.ok("import importlib, story_utils; importlib.reload(story_utils); from story_utils import clean")
    assert notebook.ok("%%remote\nclean(4)").result == "801"


def test_a_package_that_the_cell_imports_travels(notebook: Any, shared_desk: Any) -> None:
    package = shared_desk.folder / "story_pkg"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("from story_pkg.inner import answer\n")
    (package / "inner.py").write_text("def answer():\n    return 42\n")
    assert notebook.ok("%%remote\nimport story_pkg\nstory_pkg.answer()").result == "42"


def test_a_dataframe_goes_and_comes(notebook: Any) -> None:
    notebook.ok("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})")
    cell = notebook.ok("%%remote\ndf = df.assign(b=df.a * 2)\ndf")
    assert "text/html" in notebook.ok("df").bundles or cell.result is not None
    assert notebook.value("df.b.tolist()") == [2, 4]
