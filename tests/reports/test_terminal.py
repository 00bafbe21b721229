import io
import json
import sys

import pytest

from reports.terminal import Exit, complain, emit, explain, progress


def test_the_exit_codes_are_those_that_scripts_rely_on():
    codes = {code.name: code.value for code in Exit}

    assert codes == {
        "DONE": 0,
        "OUR_FAULT": 1,
        "USAGE": 2,
        "BAD_INPUT": 3,
        "NO_PLAN": 4,
        "NOT_PROVEN": 5,
        "REFUSED": 6,
        "INTERRUPTED": 130,
    }


def test_a_result_goes_to_stdout_as_text_or_as_json(capsys):
    answer = {"schema": 1, "name": "Café – £5"}

    emit(answer, as_json=False, text="five pounds")
    assert capsys.readouterr() == ("five pounds\n", "")

    emit(answer, as_json=True, text="five pounds")
    written = capsys.readouterr()
    assert json.loads(written.out) == answer
    assert "Café – £5" in written.out
    assert written.err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_whole_on_a_stream_that_cannot_write_it(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    answer = {"schema": 1, "name": "Café – £5 → 🔒"}

    emit(answer, as_json=True, text="")

    assert json.loads(stream.buffer.getvalue()) == answer


def test_text_on_a_stream_that_cannot_write_it_shows_numbers(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)

    emit({}, as_json=False, text="1–2")

    assert stream.buffer.getvalue() == b"1\\u20132\n"


def test_a_message_goes_to_stderr(capsys):
    complain("note: old plan")

    assert capsys.readouterr() == ("", "note: old plan\n")


def test_an_error_is_what_because_try_with_the_whole_chain():
    error = ValueError("cannot read the plan")
    error.__cause__ = ValueError("it is cut short")
    error.__cause__.__cause__ = OSError("the disk was full")

    assert explain(error, hint="make it anew").splitlines() == [
        "error: cannot read the plan",
        "  because: it is cut short",
        "  because: the disk was full",
        "  try: make it anew",
    ]


def test_an_error_without_cause_or_hint_is_one_line():
    assert explain(ValueError("bad")) == "error: bad"


def test_progress_is_silent_where_nobody_watches(capsys):
    with progress("planning", 3) as advance:
        advance(3)

    assert capsys.readouterr() == ("", "")
