"""A workspace that becomes a relay: what it holds, what it does not, and its service."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.errors import InputError, RefusedError
from fleet.identity import Identity, Lane
from fleet.relay.broker import Broker, password_of
from fleet.relay.permissions import rabbitmq_definitions, redis_users
from fleet.relay.place import Settings, find_place, install, unit_of
from fleet.workspace import Workspace

SETTINGS = Settings(prison="MDI", broker="rediss://relay-MDI@localhost")


@pytest.fixture
def centre(tmp_path):
    identity, _ = Identity.make(Workspace(tmp_path / "centre"), operator="asha")
    return identity


@pytest.fixture
def relay(tmp_path, centre):
    workspace = Workspace(tmp_path / "relay")
    trust = centre.trust_public()
    install(workspace, SETTINGS, trust=trust, password="secret", authority="x")  # noqa: S106
    return workspace


def test_a_relay_has_an_authority_of_its_own_and_neither_that_of_trust_nor_of_deployment(relay):
    private = {path.name for path in relay.keys.iterdir() if path.suffix != ".pub"}

    assert private == {
        "broker_ca",
        "audit",
        "time",
        "relay",
        "deploy",
        "broker_password",
        "broker_authority.pem",
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in relay.keys.iterdir())


def test_its_certificates_are_for_its_own_prison(relay, centre):
    place = find_place(relay)
    place.take_statement(centre.envelope())

    credential = place.identity.credential(Lane.BROKER, operator="relay", purpose="orders")

    listed = ["ssh-keygen", "-L", "-f", "-"]
    done = subprocess.run(
        listed, input=credential.certificate, capture_output=True, text=True, check=True
    )
    principals = done.stdout.split("Principals:")[1].split("Critical")[0].split()
    assert principals == ["prison-MDI"]
    with pytest.raises(RefusedError, match="does not open the deploy lane"):
        place.identity.credential(
            Lane.DEPLOY, operator="relay", purpose="update", principals=["device-WS-000001"]
        )


def test_a_centres_workspace_does_not_become_a_relay(tmp_path, centre):
    with pytest.raises(InputError, match="is a centre's workspace"):
        install(
            Workspace(tmp_path / "centre"),
            SETTINGS,
            trust=centre.trust_public(),
            password="",
            authority="x",
        )


def test_another_prisons_relay_stays_what_it_is(relay, centre):
    other = Settings(prison="LEI", broker=SETTINGS.broker)

    with pytest.raises(RefusedError, match="is the relay of MDI"):
        install(relay, other, trust=centre.trust_public(), password="", authority="x")

    assert find_place(relay).prison == "MDI"


def test_installed_again_it_keeps_its_keys(relay, centre):
    before = (relay.keys / "broker_ca").read_bytes()

    install(relay, SETTINGS, trust=centre.trust_public(), password="", authority="x")

    assert (relay.keys / "broker_ca").read_bytes() == before
    assert password_of(relay.keys) == "secret"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://relay@host", "is not the address of a broker"),
        ("amqps://host", "is not the address of a broker"),
        ("rediss://relay:secret@host", "holds a password"),
    ],
)
def test_a_broker_without_tls_or_with_its_password_in_the_address_is_refused(tmp_path, url, why):
    with pytest.raises(InputError, match=why):
        Broker(url=url, authority=tmp_path, password="x")  # noqa: S106


def test_the_password_is_in_no_printed_form(tmp_path):
    broker = Broker(url="rediss://relay@host", authority=tmp_path, password="hush")  # noqa: S106

    assert "hush" not in repr(broker)
    assert "hush" not in redis_users({"MDI": "hush"}, centre="hush")
    assert "hush" not in rabbitmq_definitions({"MDI": "hush"}, centre="hush")


def test_its_unit_is_one_that_systemd_takes(relay, tmp_path):
    unit = tmp_path / "wingspan-relay.service"
    unit.write_text(unit_of(relay, program=Path(shutil.which("true")), user="daemon"))

    done = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_its_unit_leaves_little_open(relay, tmp_path):
    unit = tmp_path / "wingspan-relay.service"
    unit.write_text(unit_of(relay, program=Path(shutil.which("true")), user="daemon"))

    judged = ["/usr/bin/systemd-analyze", "security", "--offline=yes", "--threshold=30", unit]
    done = subprocess.run(judged, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-300:] + done.stderr
