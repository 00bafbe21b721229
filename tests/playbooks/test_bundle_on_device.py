"""Bundles brought to a device, files kept and put back, and the gate of sessions."""

import fcntl
import functools
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fleet.bundle.source import FORBIDDEN
from tests.playbooks.conftest import FILES, program


@pytest.fixture
def bundles(monkeypatch, tmp_path):
    module = program("wingspan_bundle", monkeypatch)
    monkeypatch.setattr(module, "FOLDER", str(tmp_path / "bundles"))
    return module


@pytest.fixture
def snapshot(monkeypatch):
    return program("wingspan_snapshot", monkeypatch)


@pytest.fixture
def served(tmp_path):
    """Serve a folder over HTTP with ranges, and note what was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = (tmp_path / self.path.lstrip("/")).read_bytes()
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            asked.append(start)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *_words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield functools.partial("http://127.0.0.1:{}/{}".format, server.server_port), asked
        server.shutdown()
        thread.join()


def test_a_prefetch_goes_on_where_it_stopped(bundles, served, tmp_path):
    url, asked = served
    content = os.urandom(300_000)
    (tmp_path / "bundle").write_bytes(content)
    name = hashlib.sha256(content).hexdigest()
    part = tmp_path / "bundles" / f"{name}.part"
    part.parent.mkdir()
    part.write_bytes(content[:100_000])
    before = bundles.standing(name)

    bundles.pull(name, {"url": url("bundle")}, len(content))

    assert (before["have"], before["complete"]) == (100_000, False)
    assert asked == [100_000]
    assert bundles.standing(name) == {"bundle_sha256": name, "have": 300_000, "complete": True}


def test_what_is_not_the_signed_bundle_is_thrown_away(bundles, served, tmp_path):
    url, _asked = served
    (tmp_path / "bundle").write_bytes(b"another")
    name = hashlib.sha256(b"the bundle").hexdigest()

    with pytest.raises(bundles.SpoiltError, match="thrown away"):
        bundles.pull(name, {"url": url("bundle")}, 10)
    with pytest.raises(bundles.SpoiltError, match="more came than the 3 bytes"):
        bundles.pull(name, {"url": url("bundle")}, 3)
    assert not bundles.standing(name)["complete"]


def test_device_and_centre_forbid_the_same_places(bundles):
    assert bundles.FORBIDDEN == FORBIDDEN
    assert bundles.forbidden("/opt/../etc/ssh/a")
    assert not bundles.forbidden("/opt/kiosk/a")


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "there").mkdir(parents=True)
    (root / "there/file").write_text("old")
    (root / "there/file").chmod(0o4750)
    (root / "there/link").symlink_to("file")
    return root


PATHS = ("there/file", "there/link", "new/deep/file", "there/gone")


def state_of(root):
    """Return each path below a folder with what it is."""
    return {
        str(path.relative_to(root)): (
            str(path.readlink())
            if path.is_symlink()
            else (path.read_text(), path.stat().st_mode)
            if path.is_file()
            else ""
        )
        for path in sorted(root.rglob("*"))
    }


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_snapshot_puts_everything_back(snapshot, tree, tmp_path, broken_off):
    before = state_of(tree)
    folder = tmp_path / "kept"
    folder.mkdir()
    snapshot.take(str(folder), [str(tree / path) for path in PATHS])
    (tree / "there/file").unlink()
    (tree / "there/file").write_text("new")
    (tree / "there/link").unlink()
    (tree / "there/link").write_text("no link")
    (tree / "new/deep").mkdir(parents=True)
    (tree / "new/deep/file").write_text("new")
    (tree / "there/gone").write_text("new")

    snapshot.put_back(str(folder))
    if broken_off:  # And begun again: a copy that was put back is not there any more.
        snapshot.put_back(str(folder))

    assert state_of(tree) == before


@pytest.fixture
def session(monkeypatch, tmp_path):
    module = program("wingspan_session", monkeypatch)
    monkeypatch.setattr(module, "READY", str(tmp_path / "ready"))
    return module


def begun(session, *words):
    """Return how a session ends, begun as a process of its own."""
    code = f"import sys; sys.path.insert(0, {str(FILES)!r}); import wingspan_session as s; "
    code += f"s.READY = {session.READY!r}; sys.exit(s.main(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-c", code, *words], check=False).returncode


def test_a_session_begins_only_while_the_gate_is_open(session):
    shut = begun(session, "/bin/true")
    session.open_gate()
    opened = begun(session, "/bin/true")
    session.shut_gate()

    assert (shut, opened, begun(session, "/bin/true")) == (75, 0, 75)


def test_an_update_waits_for_the_session_that_is_there(session, monkeypatch):
    session.open_gate()
    monkeypatch.setattr(session, "PATIENCE_S", 0.2)
    with Path(session.READY).open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(OSError, match="does not end"):
            session.shut_gate()
    assert session.is_open()

    session.shut_gate()

    assert not session.is_open()
