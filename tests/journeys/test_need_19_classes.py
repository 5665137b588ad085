"""Need 19: what comes back is an instance of the notebook's own class, or says that the class was defined again."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.journey

A = "class A:\n    def __init__(self): self.v = 1"
SHAPES = (
    "from dataclasses import dataclass\nfrom enum import Enum\n"
    "@dataclass\nclass D:\n    x: int\n"
    "class E(Enum):\n    R = 1\n    G = 2"
)
OLD = (
    "`{}` was made with an earlier `{}`, which the notebook has defined again since: the new one does not know it as its"
    " own; make it again"
)


def test_need_19_an_instance_comes_back_as_itself(notebook: Any) -> None:
    notebook.ok(f"{A}\na = A()\nsame = a")
    notebook.ok("%%remote\na.v = 2\nb = A()\nback = a")
    assert notebook.value("isinstance(a, A), type(a) is A, type(b) is A, back is a is same, a.v") == (
        (True, True, True, True, 2)
    )


def test_need_19_after_the_class_was_run_again_a_warning_names_it(notebook: Any) -> None:
    notebook.ok(f"{A}\na = A()\nmany = [A(), A()]\nx = 1")
    notebook.ok(A)
    cell = notebook.ok("%%remote\na.v = 3\nfresh = A()\ncopied = [a]\nmany")
    assert [line for line in cell.status_lines if "earlier" in line] == [
        OLD.format("a", "A"),
        OLD.format("many", "A"),
        OLD.format("copied", "A"),
    ]
    assert notebook.value("a.v, type(fresh) is A, copied[0] is a, isinstance(a, A)") == (3, True, True, False)
    assert [line for line in notebook.ok("%%remote\nfresh.v").status_lines if "earlier" in line] == []


def test_need_19_a_class_that_is_run_again_while_a_job_runs_is_named_too(notebook: Any) -> None:
    notebook.ok(A)
    notebook.ok("%%remote detach job=job\nimport time\ntime.sleep(0.5)\nlate = A()")
    notebook.ok(A)
    cell = notebook.ok("get_ipython().run_line_magic('flash', f'attach {job.id}')")
    assert [line for line in cell.status_lines if "earlier" in line] == [OLD.format("late", "A")]


def test_need_19_dataclasses_and_enums(notebook: Any) -> None:
    notebook.ok(f"{SHAPES}\nd = D(1); e = E.R")
    notebook.ok(
        "%%remote\nimport dataclasses\nd2 = D(d.x + 1)\nd3 = dataclasses.replace(d, x=9)\ne2 = E.G\nsame = e is E.R"
    )
    assert notebook.value("d2 == D(2), type(d2) is D, d3 == D(9), e2 is E.G, same") == (True,) * 5
    notebook.ok(SHAPES)
    cell = notebook.ok("%%remote\nd4, e4 = D(4), E.G\nold = d, e")
    assert notebook.value("d4 == D(4), e4 is E.G, old[0] is d, old[1] is e") == (True,) * 4
    assert [line for line in cell.status_lines if "earlier" in line] == [
        OLD.format("d", "D"),
        OLD.format("e", "E"),
        OLD.format("old", "D"),
    ]


def test_need_19_classes_of_a_module_that_autoreload_renews(shared_desk: Any) -> None:
    notebook = shared_desk.open()
    module = shared_desk.folder / "reloaded_shapes.py"
    text = "class M:\n    def __init__(self): self.v = 1\n    def say(self): return {!r}\n"
    module.write_text(text.format("old"))
    notebook.ok("%load_ext autoreload\n%autoreload 2\nfrom reloaded_shapes import M\nimport reloaded_shapes\nm = M()")
    assert notebook.ok("%%remote\nm.v = 2\nn = M()\nm.say(), n.say()").result == "('old', 'old')"
    assert notebook.value("type(m) is M, type(n) is M, m.v") == (True, True, 2)
    time.sleep(1.1)  # autoreload looks at whole seconds of the file's time
    module.write_text(text.format("edited"))
    assert notebook.ok("m.say()").result == "'edited'"
    assert notebook.ok("%%remote\nm.v = 3\nlater = M()\nm.say(), later.say(), n.say()").result == str(("edited",) * 3)
    assert notebook.value("type(m) is M is reloaded_shapes.M, type(later) is M, isinstance(n, M), m.v") == (
        (True, True, True, 3)
    )
