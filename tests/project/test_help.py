"""Help is quick to come, complete, and shows a line to copy."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

HEAVY = {
    "ansible",
    "geopandas",
    "networkx",
    "numpy",
    "openpyxl",
    "pandas",
    "pyogrio",
    "scipy",
    "shapely",
    "xlsxwriter",
}

# Runs the entry point as its script does, then says which modules that took.
IMPORTED = """
import sys
from wingspan import main
sys.argv = ["wingspan", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [[], ["estate"], ["fleet", "rehearse"], ["report"]], ids=" ".join)
def test_help_imports_nothing_heavy(words):
    command = [sys.executable, "-c", IMPORTED, *words, "--help"]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)

    heavy = HEAVY.intersection(finished.stderr.split())
    assert finished.stdout.startswith("Usage: wingspan")
    assert not heavy


def test_every_command_and_option_says_what_it_does(commands):
    silent = [listed.line for listed in commands if not listed.context.command.help]
    silent += [
        f"{listed.line} {option.opts[0]}"
        for listed in commands
        for option in listed.options
        if not option.help
    ]

    assert not silent


def test_every_command_shows_an_example_of_itself(commands):
    without = [
        listed.line
        for listed in commands
        if not listed.is_group and not any(map(_example_of(listed.words), _help_lines(listed)))
    ]

    assert not without


def test_every_command_answers_in_json(commands):
    without = [
        listed.line
        for listed in commands
        if not listed.is_group and not any("--json" in option.opts for option in listed.options)
    ]

    assert not without


def test_every_option_is_in_kebab_case(commands):
    names = [name for listed in commands for option in listed.options for name in option.opts]

    assert not [
        name for name in names if not re.fullmatch(r"-[a-zA-Z]|--[a-z0-9]+(-[a-z0-9]+)*", name)
    ]


def test_help_comes_by_its_short_name_too(commands):
    assert not [listed.line for listed in commands if "-h" not in listed.context.help_option_names]


def _help_lines(listed):
    return [line.strip() for line in listed.context.command.get_help(listed.context).splitlines()]


def _example_of(words):
    def shows(line):
        # Options may stand between: `wingspan -C out/england-wales estate plan`.
        called = iter(line.split())
        return line.startswith("wingspan ") and all(word in called for word in words)

    return shows
