"""Which environment variables modules of a bundle read, and secrets that stand in their text instead.

Static: `os.environ["NAME"]` and `os.getenv("NAME")` without a default. Whoever has the artifact can read its secrets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from flash_jupyter.build.text import BundleTexts
from flash_jupyter.capture.secrets import kind_of


def environment_variables(modules: Iterable[str], files: Mapping[str, bytes]) -> list[str]:
    """Return the names, sorted; `modules` are dotted, `files` are those of the bundle.

    >>> files = {"a.py": b"import os, b", "b.py": b"import os; os.environ['TOKEN']; os.getenv('X', 1)"}
    >>> environment_variables(["a"], files)
    ['TOKEN']
    """
    return sorted({name for source, _ in BundleTexts(files).reached(modules) for name in _read_by(ast.parse(source))})


def _read_by(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=place, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if _is(
                place, "environ"
            ):
                yield name
            case ast.Call(func=place, args=[ast.Constant(value=str(name))], keywords=[]) if _is(place, "getenv"):
                yield name


def _is(node: ast.expr, word: str) -> bool:
    """Whether this is `os.WORD`, or `WORD` alone."""
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=name) | ast.Name(id=name):
            return name == word
    return False


def told_of_secrets(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Say where a module of the bundle holds what looks like a secret; its value is never said.

    >>> told_of_secrets({"churn.py": b"TOKEN = 'hf_" + b"a1B2" * 8 + b"'"})[0].partition(";")[0]
    'churn.py, line 1: TOKEN looks like a Hugging Face token'
    """
    return tuple(
        f"{path}, line {line}: {name or 'a text'} looks like {kind}; the bundle holds it in clear: read it from"
        " the environment, and let env= name a secret of Runpod for it"
        for path, content in sorted(files.items())
        if path.endswith(".py")
        for line, name, kind in _secrets(content)
    )


def _secrets(content: bytes) -> Iterator[tuple[int, str, str]]:
    """Give line, name and kind of each; a module that can't be read is told of elsewhere."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    named = [(value, name) for name, value in _named(tree)]
    seen = {value for value, _ in named}
    bare = [(node, "") for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in seen]
    for node, name in (*named, *bare):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (kind := kind_of(text, name)):
            yield node.lineno, name, kind


def _named(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Give what has a name: `name = value`, `object.name = value`, `f(name=value)`, `{"name": value}`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield ast.unparse(target).rpartition(".")[2], node.value
        elif isinstance(node, ast.keyword):
            yield node.arg or "", node.value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "", value
