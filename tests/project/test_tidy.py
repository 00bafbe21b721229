"""Sizes that no linter counts the way we do, and promises left in the code."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500

# The brackets keep this line from being its own first finding.
UNNUMBERED_PROMISE = re.compile(r"\b(?:TOD[O]|FIXM[E])\b(?!.*#\d)")
WRITTEN_BY_HAND = {".css", ".html", ".js", ".md", ".py", ".sh", ".toml", ""}

Function = ast.FunctionDef | ast.AsyncFunctionDef
SILENT_TOKENS = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def test_no_function_has_more_than_60_code_lines(project_files):
    too_long = [
        f"{name}:{function.lineno} {function.name} has {count} code lines"
        for name in project_files
        if name.endswith(".py")
        for function, count in function_lengths((ROOT / name).read_text(encoding="utf-8"))
        if count > FUNCTION_LINES_MAX
    ]

    assert not too_long


def test_no_file_has_more_than_500_lines(project_files):
    lengths = {
        name: len((ROOT / name).read_text(encoding="utf-8").splitlines())
        for name in project_files
        if name.endswith(".py")
    }

    assert "wingspan.py" in lengths
    assert not {name: count for name, count in lengths.items() if count > FILE_LINES_MAX}


def test_nothing_is_promised_without_an_issue_number(project_files):
    promises = [
        f"{name}:{number} {line.strip()}"
        for name in project_files
        if Path(name).suffix in WRITTEN_BY_HAND
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if UNNUMBERED_PROMISE.search(line)
    ]

    assert not promises


def test_docstrings_comments_and_blank_lines_are_not_code_lines():
    source = '''
async def route(start):
    """Return the route.

    It takes the shortest.
    """
    # The first wins.

    text = """one
    two"""
    return (start,
            text)
'''

    # The def, two lines of text, two of the return.
    assert [count for _, count in function_lengths(source)] == [5]


def function_lengths(source: str) -> Iterator[tuple[Function, int]]:
    code_lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SILENT_TOKENS:
            code_lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            lines = set(range(node.lineno, _end(node) + 1)) - _docstring_lines(node)
            yield node, len(lines & code_lines)


def _docstring_lines(function: Function) -> set[int]:
    if ast.get_docstring(function) is None:
        return set()
    return set(range(function.body[0].lineno, _end(function.body[0]) + 1))


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
