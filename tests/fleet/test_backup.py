import io
import stat
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import create_engine, text

from fleet.audit import AuditLog, begin
from fleet.backup import back_up, restore
from fleet.device import NewDevice
from fleet.errors import InputError, RefusedError
from fleet.identity import Identity
from fleet.registry import Registry
from fleet.registry.requests import intents_of, keep_request, set_intents
from fleet.workspace import Workspace

MAGIC = b"b3BlbnNzaC1rZXktdjEA"  # How the base64 of every OpenSSH private key begins.


@pytest.fixture
def recipient(tmp_path):
    """Return a public key of age; its private half is in backup.key."""
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "backup.key").write_text(f"# created today\n{key}\n")
    return str(key.to_public())


@pytest.fixture
def fleet(tmp_path, database_url, monkeypatch, host_key):
    """Return a workspace with keys, a log and two devices, in either kind of database."""
    monkeypatch.setenv("WINGSPAN_DATABASE", database_url)
    workspace = Workspace(tmp_path / "fleet")
    Identity.make(workspace, operator="asha")
    begin(AuditLog(workspace.audit), operator="asha", action="test", scope="").end("done")
    with Registry.create(database_url) as registry:
        new = [NewDevice(serial=f"S{n}", host_key=host_key(n), model="WT-10") for n in (1, 2)]
        registry.add(new, by="asha", why="test")
    return workspace


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Return an empty workspace with a database of its own."""
    monkeypatch.setenv("WINGSPAN_DATABASE", f"sqlite:///{tmp_path / 'other.db'}")
    return Workspace(tmp_path / "elsewhere")


def content(workspace):
    with Registry.open(workspace.settings().database) as registry:
        devices = registry.devices()
        return devices, [registry.history(device.device) for device in devices]


@pytest.fixture
def saved(fleet, tmp_path, recipient):
    """Return a backup of the fleet, and what it holds."""
    out = tmp_path / "fleet.age"
    back_up(fleet, out, recipient)
    return out, content(fleet)


def test_what_comes_back_is_what_there_was(saved, fleet, tmp_path, monkeypatch):
    out, before = saved
    monkeypatch.setenv("WINGSPAN_DATABASE", f"sqlite:///{tmp_path / 'other.db'}")
    other = Workspace(tmp_path / "elsewhere")
    restore(other, out, tmp_path / "backup.key", replace=False)

    assert content(other) == before
    assert other.audit.read_bytes() == fleet.audit.read_bytes()
    keys = {path.name: path.read_bytes() for path in fleet.keys.iterdir()}
    assert {path.name: path.read_bytes() for path in other.keys.iterdir()} == keys
    assert {stat.S_IMODE(path.stat().st_mode) for path in other.keys.iterdir()} == {0o600}
    assert stat.S_IMODE(other.keys.stat().st_mode) == 0o700


def test_a_registry_comes_back_into_postgresql_and_goes_on_there(
    saved, postgresql_server, tmp_path, monkeypatch
):
    out, before = saved
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE restored"))
    try:
        monkeypatch.setenv(
            "WINGSPAN_DATABASE", postgresql_server.replace("/postgres?", "/restored?")
        )
        other = Workspace(tmp_path / "elsewhere")
        restore(other, out, tmp_path / "backup.key", replace=False)
        assert content(other) == before
        with Registry.open(other.settings().database) as registry:
            registry.add([NewDevice(serial="S3")], by="asha", why="after")
            assert registry.count() == 3
    finally:
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE restored WITH (FORCE)"))
        admin.dispose()


def test_a_backup_is_its_owners_and_shows_no_key(saved):
    out, _ = saved

    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_bytes().startswith(b"age-encryption.org/v1")
    assert MAGIC not in out.read_bytes()


def test_nobody_else_opens_it(saved, elsewhere, tmp_path):
    out, _ = saved
    (tmp_path / "other.key").write_text(str(pyrage.x25519.Identity.generate()))

    with pytest.raises(InputError, match="does not open"):
        restore(elsewhere, out, tmp_path / "other.key", replace=False)
    assert not elsewhere.keys.exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:200] + b"x" * 50])
def test_a_damaged_backup_leaves_nothing_behind(saved, elsewhere, tmp_path, damage):
    out, _ = saved
    out.write_bytes(damage(out.read_bytes()))

    with pytest.raises(InputError):
        restore(elsewhere, out, tmp_path / "backup.key", replace=False)
    assert list(elsewhere.root.iterdir()) == []


def test_a_living_fleet_is_not_replaced_unasked(saved, fleet, tmp_path):
    out, _ = saved

    with pytest.raises(RefusedError, match="there is a fleet in"):
        restore(fleet, out, tmp_path / "backup.key", replace=False)


def test_what_is_replaced_is_kept_beside_it(fleet, tmp_path, recipient, monkeypatch):
    monkeypatch.setenv("WINGSPAN_DATABASE", f"sqlite:///{tmp_path / 'living.db'}")
    with Registry.create(fleet.settings().database) as registry:
        registry.add([NewDevice(serial="S1")], by="asha", why="test")
    back_up(fleet, tmp_path / "fleet.age", recipient)
    with Registry.open(fleet.settings().database) as registry:
        registry.add([NewDevice(serial="S2")], by="asha", why="since")
    restore(fleet, tmp_path / "fleet.age", tmp_path / "backup.key", replace=True)

    assert [device.serial for device in content(fleet)[0]] == ["S1"]
    (kept,) = fleet.root.glob("before-restore-*")
    assert {path.name for path in kept.iterdir()} >= {"keys", "audit.jsonl", "living.db"}


def test_an_ssh_key_may_be_the_recipient(fleet, tmp_path, keygen, monkeypatch):
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id")
    back_up(fleet, tmp_path / "fleet.age", (tmp_path / "id.pub").read_text())
    monkeypatch.setenv("WINGSPAN_DATABASE", f"sqlite:///{tmp_path / 'other.db'}")

    other = Workspace(tmp_path / "elsewhere")

    restored = restore(other, tmp_path / "fleet.age", tmp_path / "id", replace=False)
    assert restored.manifest.tables["devices"] == 2


def test_age_itself_opens_it(saved, tmp_path):
    out, _ = saved
    words = ["/usr/bin/age", "--decrypt", "--identity", tmp_path / "backup.key", out]
    plain = subprocess.run(words, check=True, capture_output=True).stdout

    (tmp_path / "plain.tgz").write_bytes(plain)
    listed = subprocess.run(
        ["/usr/bin/tar", "tzf", tmp_path / "plain.tgz"], check=True, capture_output=True, text=True
    )
    assert {"manifest.json", "registry.db", "keys/broker_ca"} <= set(listed.stdout.split())


@pytest.mark.parametrize("text", ["", "age1", "ssh-ed25519 AAAA", "me@example.org"])
def test_what_is_no_public_key_is_refused(fleet, tmp_path, text):
    with pytest.raises(InputError, match="not a public key of age or SSH"):
        back_up(fleet, tmp_path / "fleet.age", text)
    assert not (tmp_path / "fleet.age").exists()


def test_nothing_in_a_backup_leads_out_of_the_workspace(elsewhere, tmp_path, recipient):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("keys/../../escaped")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    key = pyrage.x25519.Recipient.from_str(recipient)
    (tmp_path / "evil.age").write_bytes(pyrage.encrypt(packed.getvalue(), [key]))

    with pytest.raises(InputError, match="has no place in one"):
        restore(elsewhere, tmp_path / "evil.age", tmp_path / "backup.key", replace=False)
    assert not Path(tmp_path / "escaped").exists()


def test_what_was_under_way_is_suspended_and_what_had_ended_stays(
    fleet, tmp_path, recipient, monkeypatch
):
    at = datetime.now(UTC)
    with Registry.open(fleet.settings().database) as registry, registry.writing() as connection:
        devices = {"WS-000001": "aa", "WS-000002": "bb"}
        keep_request(connection, "R-1", nonce="n", encoded=b"{}", devices=devices, at=at)
        proven = {"device": "WS-000002", "before": "waiting", "state": "proven"}
        set_intents(connection, "R-1", [proven], at)
    back_up(fleet, tmp_path / "fleet.age", recipient)
    monkeypatch.setenv("WINGSPAN_DATABASE", f"sqlite:///{tmp_path / 'other.db'}")
    other = Workspace(tmp_path / "elsewhere")
    restored = restore(other, tmp_path / "fleet.age", tmp_path / "backup.key", replace=False)

    with Registry.open(other.settings().database) as registry, registry.reading() as connection:
        states = {one.device: one.state for one in intents_of(connection, ["R-1"])["R-1"]}
    assert restored.suspended == 1
    assert states == {"WS-000001": "suspended", "WS-000002": "proven"}
