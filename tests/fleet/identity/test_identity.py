import stat
import subprocess
import time
from dataclasses import replace

import pytest

from fleet.errors import FleetError, InputError, RefusedError
from fleet.identity import Identity, Lane
from fleet.identity.keys import make_key, read_public
from fleet.identity.operators import Operator, Role


def test_making_it_twice_makes_nothing_new(identity, workspace):
    before = {path.name: path.read_bytes() for path in workspace.keys.iterdir()}
    _, made = Identity.make(workspace, operator="ben")

    assert made == []
    assert {path.name: path.read_bytes() for path in identity.folder.iterdir()} == before


def test_every_file_of_keys_is_its_owners_alone(identity):
    identity.credential(Lane.BROKER, operator="asha", purpose="health")
    identity.renew()

    assert stat.S_IMODE(identity.folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in identity.folder.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_without_keys_the_cure_is_named(workspace):
    with pytest.raises(InputError, match="there are no keys") as error:
        Identity.open(workspace)

    assert error.value.hint == f"wingspan -C {workspace.root} fleet init"


def test_a_certificate_is_on_record_before_it_is_used(identity):
    identity.credential(Lane.BROKER, operator="asha", purpose="health")

    (record,) = identity.ledger.issued()
    assert (record.operator, record.purpose) == ("asha", "health")


def test_only_who_works_here_gets_a_certificate(identity):
    with pytest.raises(RefusedError, match="mallory is not an operator"):
        identity.credential(Lane.BROKER, operator="mallory", purpose="health")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
def test_who_may_only_look_or_approve_does_not_change_devices(identity, role):
    identity.set_operators([*identity.operators(), Operator(operator="eve", role=role)])

    with pytest.raises(RefusedError, match="does not open the deploy lane"):
        identity.credential(Lane.DEPLOY, operator="eve", purpose="x", principals=["device-WS-1"])


def test_a_prisons_operator_reaches_no_further(identity):
    local = Operator(operator="pat", role=Role.OPERATOR, prison="MDI")
    identity.set_operators([*identity.operators(), local])

    with pytest.raises(RefusedError, match="pat works in MDI only"):
        identity.credential(Lane.BROKER, operator="pat", purpose="health", principals=["estate"])


def test_a_prisons_administrator_is_none_of_the_estate(identity):
    local = Operator(operator="pat", role=Role.ADMIN, prison="MDI")
    identity.set_operators([*identity.operators(), local])

    identity.require("asha", Role.ADMIN)
    with pytest.raises(RefusedError, match="pat works in MDI only; this takes an admin of the"):
        identity.require("pat", Role.ADMIN)


def test_a_prisons_operator_reaches_no_device_of_another(identity):
    local = Operator(operator="pat", role=Role.OPERATOR, prison="MDI")
    identity.set_operators([*identity.operators(), local])

    identity.refuse_elsewhere("pat", "MDI")
    identity.refuse_elsewhere("asha", "LEI")
    for prison_id in ("LEI", ""):
        with pytest.raises(RefusedError, match="pat works in MDI only"):
            identity.refuse_elsewhere("pat", prison_id)


def test_a_certificate_that_changes_devices_names_them(identity):
    with pytest.raises(FleetError, match="names its devices"):
        identity.credential(Lane.DEPLOY, operator="asha", purpose="update")


def test_each_statement_has_a_higher_number(identity):
    first = identity.statement().number
    identity.renew()

    assert (first, identity.statement().number) == (1, 2)


def test_a_statement_lists_who_signs_and_no_one_else(identity, tmp_path):
    make_key(tmp_path / "ben")
    ben = Operator(operator="ben", role=Role.APPROVER, key=(tmp_path / "ben.pub").read_text())
    gone = replace(ben, operator="gone", removed_at="2026-01-01T00:00:00Z")
    identity.set_operators([*identity.operators(), ben, gone])
    identity.renew()

    assert [signer.operator for signer in identity.statement().signers] == ["ben"]


def test_an_altered_statement_is_refused(identity):
    envelope = identity.envelope()
    altered = replace(envelope, statement=envelope.statement.replace('"number":1', '"number":9'))

    with pytest.raises(RefusedError, match="signature does not hold"):
        altered.opened(public=identity.trust_public())


def test_the_bootstrap_key_has_no_certificate(identity):
    assert identity.bootstrap().certificate == ""


def test_what_a_relay_is_lent_is_for_a_waves_devices_and_minutes_and_on_record(identity, tmp_path):
    make_key(tmp_path / "relay")
    public = read_public(tmp_path / "relay")
    devices = ["device-WS-000001", "device-WS-000002"]

    certificate = identity.lent(
        public, operator="asha", purpose="R-1", principals=devices, minutes=7
    )

    (record,) = identity.ledger.issued()
    assert (record.purpose, record.ends_s <= time.time() + 7 * 60) == ("R-1", True)
    assert shown(["-L", "-f", "-"], certificate).split("Principals:")[1].split()[:2] == devices
    (_, print_of, *_) = shown(["-l", "-f", tmp_path / "relay.pub"]).split()
    assert f"Public key: ED25519-CERT {print_of}" in shown(["-L", "-f", "-"], certificate)


def shown(words, stdin=""):
    """Return what OpenSSH shows of a key or certificate."""
    command = ["/usr/bin/ssh-keygen", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout
