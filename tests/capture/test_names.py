"""What a cell reads, requires, binds and deletes: one row a sentence."""

from __future__ import annotations

import importlib
import inspect
import symtable
import sys
import warnings
from types import CodeType

import pytest

from flash_jupyter.capture.names import analyse, code_names
from flash_jupyter.capture.reader import IMPLICIT

READS = [
    # what the cell does                            source                                                  reads
    ("reads one name", "x + 1", "x"),
    ("replaces what it reads", "df = df.dropna()", "df"),
    ("reads what it bound itself", "x = 1\nx + 1", ""),
    ("binds only after reading", "print(x)\nx = 1", "x"),
    ("binds in one branch only", "if c:\n    x = 1\nprint(x)", "c x"),
    ("binds in both branches", "if c:\n    x = 1\nelse:\n    x = 2\nprint(x)", "c"),
    ("the other branch raises", "if c:\n    x = 1\nelse:\n    raise E\nprint(x)", "c E"),
    ("parameter hides the notebook's", "def f(x): return x", ""),
    ("every kind of parameter hides", "def f(a, /, b, *c, d, **e): return a, b, c, d, e", ""),
    ("default argument is read early", "def f(a=base): return a", "base"),
    ("keyword-only default is read early", "def f(*, a=base): return a", "base"),
    ("decorator is read", "@cached\ndef f(): ...", "cached"),
    ("decorator's arguments are read", "@cache(size)\ndef f(): ...", "cache size"),
    ("function reads a global", "def f(n): return n * scale", "scale"),
    ("nested function reads a global", "def f():\n    def g(): return scale\n    return g", "scale"),
    ("nested function reads its parent's local", "def f():\n    k = 1\n    def g(): return k\n    return g", ""),
    (
        "nonlocal belongs to the parent",
        "def f():\n    k = 1\n    def g():\n        nonlocal k\n        k += 1\n    g()",
        "",
    ),
    ("local bound later in the function", "def f():\n    print(k)\n    k = 1", ""),
    ("global statement reads and binds outside", "def f():\n    global k\n    k += 1", "k"),
    ("function sees what is bound before its call", "def f(): return k\nk = 10\nf()", ""),
    ("function called before the binding", "def f(): return k\nf()\nk = 10", "k"),
    ("recursive function", "def f(n): return n and f(n - 1)", ""),
    ("functions that call each other", "def f(n): return g(n)\ndef g(n): return f(n)\nf(1)", ""),
    ("call through another function", "def f(): return g()\ndef g(): return k\nf()\nk = 1", "k"),
    ("call in one branch, bound in the other", "def f(): return k\nif c:\n    k = 1\n    f()\nelse:\n    f()", "c k"),
    ("lambda's parameter", "f = lambda x: x + k", "k"),
    ("lambda's default", "f = lambda x=k: x", "k"),
    ("recursive lambda", "f = lambda n: n and f(n - 1)", ""),
    ("class body reads from outside", "class A(Base):\n    k = width", "Base width"),
    ("class keyword", "class A(metaclass=Meta): ...", "Meta"),
    ("class body reads its own name", "class A:\n    a = 1\n    b = a", ""),
    ("class body reads the outer of the same name", "class A:\n    x = x", "x"),
    ("method does not see the class body", "class A:\n    k = 1\n    def f(self): return k", "k"),
    ("method makes its own class", "class A:\n    def f(self): return A()", ""),
    ("method calls super", "class A:\n    def f(self): return super().f() or __class__", ""),
    ("class names its module", "class A:\n    m = __module__, __qualname__", ""),
    ("method of a class defined before its helper", "class A:\n    def f(self): return g()\ndef g(): ...\nA().f()", ""),
    ("annotations of a function", "def f(a: Array) -> Result: ...", "Array Result"),
    ("annotation of a variable", "x: Table = 1", "Table"),
    ("annotation in quotes", "def f(a: 'Array', b: 'list[Row]'): ...", "Array Row"),
    ("Literal is text, not a name", "def f(a: Literal['df']): ...", "Literal"),
    ("a local variable's annotation is never evaluated", "def f():\n    x: Array = 1", ""),
    ("annotation without value binds nothing", "x: int\nprint(x)", "x"),
    ("comprehension has its own variable", "[x for x in xs]", "xs"),
    ("comprehension variable does not leak", "[x for x in xs]\nprint(x)", "x xs"),
    ("first iterable is outside", "[x for x in x]", "x"),
    ("second iterable sees the first variable", "[y for x in xs for y in x]", "xs"),
    ("comprehension condition", "{k: v for k, v in d.items() if k in keep}", "d keep"),
    ("comprehension in a class body", "class A:\n    n = 3\n    xs = [n for _ in range(n)]", "n"),
    ("walrus binds outside the comprehension", "any((y := x) for x in xs)\nprint(y)", "xs y"),
    ("walrus binds in the cell", "if (n := f()):\n    print(n)", "f"),
    ("walrus behind `and` may not run", "a and (b := c)\nprint(b)", "a b c"),
    ("match captures bind", "match p:\n    case [a, *b] | {'k': a, **b}: print(a, b)", "p"),
    ("match classes and values are read", "match p:\n    case Point(x=K.zero): ...", "K Point p"),
    ("match guard", "match p:\n    case a if a > low: ...", "low p"),
    ("match with a wildcard binds on every way", "match p:\n    case 1: x = 1\n    case _: x = 2\nprint(x)", "p"),
    ("f-string", "f'{x!r:>{width}}'", "width x"),
    ("nested f-string", "f'{f\"{x}\"}'", "x"),
    ("top-level await is allowed", "await job", "job"),
    ("async for and async with", "async for a in s:\n    async with l as b: print(a, b)", "l s"),
    ("async comprehension", "[x async for x in s]", "s"),
    ("async function", "async def f(): return await g(k)", "g k"),
    ("star-unpacking binds", "a, *b = xs\nprint(a, b)", "xs"),
    ("star argument and double star", "f(*a, **k)", "a f k"),
    ("star in a display", "[*a, *b]", "a b"),
    ("nested target", "(a, [b, c]), d = x\nprint(a, b, c, d)", "x"),
    ("with target", "with open(p) as f: print(f)", "p"),
    ("with body binds", "with lock:\n    x = 1\nprint(x)", "lock"),
    ("suppress may cut the body", "with suppress(E):\n    x = f()\nprint(x)", "E f suppress x"),
    ("for target", "for i in xs: print(i)", "xs"),
    ("for target may never be bound", "for i in xs: pass\nprint(i)", "i xs"),
    ("while True binds before its break", "while True:\n    x = f()\n    break\nprint(x)", "f"),
    ("while may never run", "while c:\n    x = 1\nprint(x)", "c x"),
    ("for-else", "for i in xs:\n    if i: y = i; break\nelse:\n    y = 0\nprint(y)", "xs"),
    ("except name is bound", "try: f()\nexcept E as e: print(e)", "E f"),
    ("except name is gone afterwards", "try: f()\nexcept E as e: pass\nprint(e)", "E e f"),
    ("try may stop before it binds", "try:\n    x = f()\nexcept E: pass\nprint(x)", "E f x"),
    ("try-else binds", "try: f()\nexcept E: x = 1\nelse: x = 2\nprint(x)", "E f"),
    ("finally binds", "try: f()\nfinally: x = 1\nprint(x)", "f"),
    ("augmented assignment reads", "x += 1", "x"),
    ("attribute store reads the object", "cfg.lr = 1", "cfg"),
    ("subscript store reads object and index", "d[k] = 1", "d k"),
    ("del reads", "del x", "x"),
    ("del of an item reads", "del d[k]", "d k"),
    ("after del the outside's is gone", "del x\nprint(x)", "x"),
    ("import binds", "import a.b\nprint(a)", ""),
    ("import as binds the last", "import a.b as c\nprint(c, a)", "a"),
    ("from-import binds", "from a import b as c\nprint(c)", ""),
    ("return value of a nested lambda", "f = lambda: (lambda: k)()", "k"),
    ("code after a raise is never reached", "raise E\nprint(x)", "E"),
    ("conditional expression", "a if c else b", "a b c"),
    ("chained comparison", "a < b < c", "a b c"),
    ("slice", "x[a:b:c]", "a b c x"),
    ("yield in a function", "def f():\n    x = yield k\n    yield from g()", "g k"),
    ("builtins stay at home", "print(sum(xs))", "xs"),
    ("module names stay at home", "__name__ == '__main__'", ""),
    ("shell line expands a name and an expression", "get_ipython().system('ls $folder {a.b}')", "a folder"),
    ("question mark names an object", "get_ipython().run_line_magic('pinfo', 'obj.method')", "obj"),
    ("%time runs Python", "get_ipython().run_line_magic('time', 'y = f(x)')\nprint(y)", "f x"),
    ("%timeit has options", "get_ipython().run_line_magic('timeit', '-n 10 f(x)')", "f x"),
    ("%%time runs Python", "get_ipython().run_cell_magic('time', '', 'y = f(x)\\n')", "f x"),
    ("%%bash does not", "get_ipython().run_cell_magic('bash', '', 'f x\\n')", ""),
    ("empty cell", "", ""),
    ("only a comment", "# x", ""),
]


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in READS], ids=[c[0] for c in READS])
def test_reads(source: str, expected: str) -> None:
    assert set(analyse(source).reads) == set(expected.split())


BINDS = [
    ("assignment", "a = b = 1", "a b", ""),
    ("unpacking", "a, (b, *c) = x", "a b c", ""),
    ("augmented assignment", "a += 1", "a", ""),
    ("annotated assignment", "a: int = 1\nb: int", "a", ""),
    ("for, with and walrus targets", "for a in x:\n    with y as b: (c := 1)", "a b c", ""),
    ("one branch is enough", "if x:\n    a = 1", "a", ""),
    ("imports", "import a.b, c as d\nfrom e import f as g", "a d g", ""),
    ("definitions", "def f(): a = 1\nclass C:\n    b = 1", "C f", ""),
    ("global in a function", "def f():\n    global a\n    a = 1", "a f", ""),
    ("global in a class body", "class C:\n    global a\n    a = 1", "C a", ""),
    ("comprehension variables stay inside", "b = [a for a in x]", "b", ""),
    ("walrus in a comprehension does not", "[a := b for b in x]", "a", ""),
    (
        "match captures",
        "match x:\n    case {'k': a, **b}: ...\n    case [c, *d]: ...\n    case e: ...",
        "a b c d e",
        "",
    ),
    ("attribute and item stores bind nothing", "a.b = c[d] = 1", "", ""),
    ("del deletes", "del a, (b, c)", "", "a b c"),
    ("bound and deleted", "a = 1\ndel a", "a", "a"),
    ("del in a function is the function's", "def f(a):\n    del a", "f", ""),
    ("del of a global in a function", "def f():\n    global a\n    del a", "f", "a"),
    ("except name is deleted at the end", "try: x()\nexcept E as a: b = 1", "b", "a"),
    ("%time binds", "get_ipython().run_line_magic('time', 'a = 1')", "a", ""),
]


@pytest.mark.parametrize(("source", "binds", "deletes"), [c[1:] for c in BINDS], ids=[c[0] for c in BINDS])
def test_binds_and_deletes(source: str, binds: str, deletes: str) -> None:
    names = analyse(source)
    assert set(names.binds) == set(binds.split())
    assert set(names.deletes) == set(deletes.split())


REQUIRED = [
    ("what is read at once must exist", "y = x + 1", {"x": 1}),
    ("with its first line", "a = 1\nb = a + x\nc = x", {"x": 2}),
    ("also in a branch", "if c:\n    print(x)", {"c": 1, "x": 2}),
    ("a sum that nobody started", "for i in range(3):\n    total += i", {"total": 2}),
    ("bound in an earlier round of the loop", "for i in range(3):\n    if i:\n        print(x)\n    x = i", {}),
    ("perhaps bound in one branch", "if True:\n    x = 1\nprint(x)", {}),
    ("a function's names may be bound later", "def f(): return x", {}),
    ("even when it is called", "def f(): return x\nf()", {}),
    ("default and decorator are read at once", "@d\ndef f(a=b): ...", {"d": 1, "b": 2}),
    ("class body is run at once", "class A(B):\n    c = d", {"B": 1, "d": 2}),
    ("method is not", "class A:\n    def f(self): return x", {}),
    ("annotations never are", "def f(a: X) -> Y: ...\nz: Z = 1\nclass A:\n    b: B", {}),
    ("comprehension runs at once", "[a * x for x in y]", {"a": 1, "y": 1}),
    ("generator in a call too", "sum(a * x for x in y)", {"a": 1, "y": 1}),
    ("a generator that is kept may wait", "g = (a * x for x in y)", {"y": 1}),
    ("who catches NameError may ask", "try: x\nexcept NameError: x = 1", {}),
    ("who catches another error may not", "try: x\nexcept KeyError: pass", {"x": 1}),
    ("who looks into globals() may ask", "if 'x' in globals(): print(x)", {}),
    ("after a star import nobody knows", "from m import *\nprint(x)", {}),
    ("nor after %run", "get_ipython().run_line_magic('run', 'a.py')\nprint(x)", {}),
    ("shell variables are the shell's", "get_ipython().system('echo $HOME')", {}),
    ("%time runs now", "get_ipython().run_line_magic('time', 'f(x)')", {"f": 1, "x": 1}),
    ("builtins exist", "print(len([]))\ndisplay(1)", {}),
    ("deleted twice", "del x\ndel x", {"x": 1}),
]


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in REQUIRED], ids=[c[0] for c in REQUIRED])
def test_required(source: str, expected: dict[str, int]) -> None:
    assert analyse(source).required == expected


@pytest.mark.parametrize(
    "module", ["argparse", "ast", "dataclasses", "enum", "inspect", "tarfile", "typing", "zipfile"]
)
def test_agrees_with_the_compilers_own_table(module: str) -> None:
    """What CPython calls global and the module never binds is what we say is read from outside, and nothing else is."""
    source = inspect.getsource(importlib.import_module(module))
    tables, read, bound = [symtable.symtable(source, module, "exec")], set[str](), set[str]()
    top = tables[0]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if table is top or symbol.is_declared_global():
                bound |= {name} if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace() else set()
            read |= {name} if symbol.is_referenced() and (symbol.is_global() or table is top) else set()
    names = analyse(source)
    outside = read - bound - IMPLICIT
    assert outside <= names.reads.keys() | names.builtins.keys()
    assert not (names.required.keys() - outside)


def test_builtins_are_reported_apart_because_the_notebook_may_have_shadowed_them() -> None:
    assert analyse("max(xs)\nmin = 1\nmin").builtins == {"max": 1}


def test_imports_name_the_top_level_and_leave_out_what_can_be_done_without() -> None:
    names = analyse("import a.b\ndef f():\n    from c.d import e\ntry: import g\nexcept ImportError: pass")
    assert names.imports == {"a": 1, "c": 3}
    assert names.modules == {"a.b", "c.d", "c.d.e", "g"}


def test_star_import_is_reported() -> None:
    assert analyse("from a.b import *").stars == {"a.b"}


@pytest.mark.parametrize(
    ("source", "line"),
    [("x = 1\ny = = 2", 2), ("\n\nreturn 1", 3), ("x = 1\nnonlocal x", 2), ("for i in x:\n    pass\nbreak", 3)],
    ids=["bad grammar", "return at the top", "nonlocal at the top", "break outside of a loop"],
)
def test_syntax_errors_have_the_cells_own_lines(source: str, line: int) -> None:
    with pytest.raises(SyntaxError) as caught:
        analyse(source)
    assert caught.value.lineno == line


def test_warnings_of_the_compiler_are_left_to_the_worker() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        analyse("x = 1\nx is 'a'")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters are Python 3.12's")
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f[T: Bound](a: T) -> list[T]: return k", "Bound k"),
        ("class A[T](Base[T]):\n    x: T", "Base"),
        ("type Pair[T] = tuple[T, Other]", "Other"),
    ],
    ids=["of a function", "of a class", "of an alias"],
)
def test_type_parameters_are_not_the_notebooks(source: str, expected: str) -> None:
    assert set(analyse(source).reads) == set(expected.split())


CASES = [
    ("a global", "def f(): return k", {"k"}),
    ("parameters and locals are its own", "def f(a):\n    b = a\n    return b", set()),
    ("a nested function's global", "def f():\n    def g(): return k\n    return g", {"k"}),
    ("a closure variable is not global", "def f():\n    k = 1\n    return lambda: k", set()),
    ("a comprehension's global", "def f(): return [k for _ in xs]", {"k", "xs"}),
    ("a class in a function", "def f():\n    class A(B):\n        c = d\n    return A", {"B", "d", "__name__"}),
    ("an attribute is not a name", "def f(): return k.attribute.method()", {"k"}),
    ("builtins are loads too", "def f(): return len(xs)", {"len", "xs"}),
    ("a coroutine", "async def f():\n    async with k: await g()", {"k", "g"}),
]


def compiled(source: str) -> CodeType:
    space: dict[str, object] = {}
    exec(source, space)
    code = getattr(space["f"], "__code__", None)
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_compiled_code_reads(source: str, expected: set[str]) -> None:
    assert code_names(compiled(source)).reads - {"__module__", "__qualname__"} == expected


def test_stores_deletes_imports_and_attributes() -> None:
    names = code_names(
        compiled(
            "def f():\n    global a, b\n    a = 1\n    del b\n    import c.d\n    from e import g\n    return c.d.h()"
        )
    )
    assert names.binds == {"a"}
    assert names.deletes == {"b"}
    assert names.modules == {"c.d", "e", "e.g"}
    assert names.attributes >= {"d", "h"}


def test_the_same_code_is_read_once() -> None:
    code = compiled("def f(): return k")
    assert code_names(code) is code_names(code)
