"""A cell's text as code that leaves the value of its last expression behind."""

from __future__ import annotations

import ast
import io
import tokenize

#: where a cell's code leaves the value of its last expression
VALUE = "__flash_jupyter_value__"


def with_result(source: str, filename: str) -> ast.Module:
    """Let a cell bind the value of its last expression, unless a semicolon follows it."""
    tree = ast.parse(source, filename)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and not _ends_with_semicolon(source):
        binding = ast.Assign([ast.Name(VALUE, ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(binding, last))
    return tree


def _ends_with_semicolon(source: str) -> bool:
    skip = {tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
    tokens = [
        token.string for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in skip
    ]
    return bool(tokens) and tokens[-1] == ";"
