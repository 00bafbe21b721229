"""The device's own program of trust, on a tablet with a real sshd."""

import json
from dataclasses import asdict, replace

import pytest

from fleet.errors import RefusedError
from fleet.identity import Lane
from fleet.identity.statement import sealed
from fleet.ssh import open_session

PATIENCE_S = 60


@pytest.fixture
def opens(identity, loopback):
    """Return a function that says whether a new login works on both lanes."""

    def both(tablet):
        lanes = ((Lane.BROKER, "wingspan", ()), (Lane.DEPLOY, "root", ("device-WS-000001",)))
        for lane, user, names in lanes:
            credential = identity.credential(
                lane, operator="asha", purpose="test", principals=names
            )
            target = replace(tablet.target, user=user)
            with open_session(target, credential, loopback, timeout_s=PATIENCE_S):
                pass
        return True

    return both


@pytest.fixture
def opens_for(identity, loopback):
    """Return a function that says whether a tablet lets a prison's operators in."""

    def does(tablet, prison):
        credential = identity.credential(
            Lane.BROKER, operator="asha", purpose="test", principals=(f"prison-{prison}",)
        )
        target = replace(tablet.target, user="wingspan")
        try:
            open_session(target, credential, loopback, timeout_s=PATIENCE_S).close()
        except RefusedError:
            return False
        return True

    return does


@pytest.fixture
def begun(start_tablet, identity, trust, enrolment):
    """Return a function that starts a tablet whose enrolment has only begun."""

    def begin():
        tablet = start_tablet(identity.path("bootstrap.pub"))
        assert "refused" not in trust(tablet, "enrol", enrolment)
        return tablet

    return begin


def changed(identity, **fields):
    """Return the next statement with other content, signed as ours."""
    now = identity.statement()
    envelope = sealed(replace(now, number=now.number + 1, **fields), key=identity.path("trust"))
    return asdict(envelope)


def test_enrolment_leaves_the_old_way_open_until_it_is_closed(begun, identity, opens, loopback):
    tablet = begun()

    assert opens(tablet)
    with open_session(tablet.target, identity.bootstrap(), loopback, timeout_s=PATIENCE_S):
        pass


def test_sshd_says_of_itself_what_we_set(tablet, trust):
    told = trust(tablet, "settings")

    assert (told["wrong"], told["root_keys"], told["number"]) == ([], False, 1)
    assert "curve25519-sha256" in told["key_exchanges"]


def test_a_setting_changed_by_hand_is_named(tablet, trust):
    tablet.inside("sh", "-c", "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config")

    assert trust(tablet, "settings")["wrong"] == [
        "wingspan: passwordauthentication is yes, not no",
        "root: passwordauthentication is yes, not no",
    ]


def test_closing_can_be_undone(begun, identity, trust, loopback):
    tablet = begun()
    trust(tablet, "close")
    trust(tablet, "reopen")

    with open_session(tablet.target, identity.bootstrap(), loopback, timeout_s=PATIENCE_S):
        pass


def test_enrolling_twice_ends_the_same(tablet, trust, enrolment, opens):
    assert "refused" not in trust(tablet, "enrol", enrolment)
    trust(tablet, "close")

    assert opens(tablet)
    assert trust(tablet, "settings")["wrong"] == []


def test_a_newer_statement_is_taken_and_kept_once_confirmed(tablet, trust, identity, opens):
    statement = changed(identity)

    assert trust(tablet, "take", statement) == {"number": 2, "changed": True}
    assert opens(tablet)
    assert trust(tablet, "confirm", {"number": 2}) == {"number": 2}
    assert trust(tablet, "revert") == {"number": 2, "changed": False}


def test_an_older_statement_is_refused(tablet, trust, identity):
    first = asdict(identity.envelope())
    trust(tablet, "take", changed(identity))
    trust(tablet, "confirm", {"number": 2})

    assert "is not newer than 2" in trust(tablet, "take", first)["refused"]


def test_the_same_statement_again_changes_nothing(tablet, trust, identity):
    assert trust(tablet, "take", asdict(identity.envelope())) == {"number": 1, "changed": False}


@pytest.mark.parametrize("part", ["statement", "signature"])
def test_an_altered_statement_is_refused(tablet, trust, identity, part):
    envelope = changed(identity)
    envelope[part] = (
        envelope[part].replace("A", "B", 1)
        if part == "signature"
        else (envelope[part].replace('"number":2', '"number":3'))
    )

    assert "signature does not hold" in trust(tablet, "take", envelope)["refused"]
    assert trust(tablet, "settings")["number"] == 1


def test_a_statement_that_is_not_confirmed_is_taken_back(tablet, trust, identity, opens):
    trust(tablet, "take", changed(identity))

    assert trust(tablet, "revert") == {"number": 1, "changed": True}
    assert opens(tablet)


def test_the_device_itself_takes_back_what_nobody_confirms(tablet, identity):
    # The program with a short wait, as the device would run it.
    script = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import wingspan_trust as trust
trust.CONFIRM_WITHIN_S = 0.5
with trust.alone():
    trust.take(json.load(sys.stdin))
before = trust.in_force()
ends = time.monotonic() + 60
while trust.PENDING.exists() and time.monotonic() < ends:
    time.sleep(0.05)
print(before, trust.in_force())
"""
    from fleet.shipped import shipped

    words = ("python3", "-I", "-c", script, str(shipped("playbooks") / "files"))
    done = tablet.inside(*words, stdin=json.dumps(changed(identity)))

    assert done.stdout.split() == ["2", "1"], done.stderr


def test_a_device_that_moved_lets_the_other_prisons_operators_in(tablet, trust, opens_for):
    assert (opens_for(tablet, "MDI"), opens_for(tablet, "LEI")) == (True, False)
    assert trust(tablet, "place", {"device": "WS-000001", "prison_id": "LEI"})["changed"]

    assert (opens_for(tablet, "MDI"), opens_for(tablet, "LEI")) == (False, True)
    trust(tablet, "confirm", {"number": 1})
    assert trust(tablet, "revert") == {"number": 1, "changed": False}


def test_a_move_that_nobody_confirms_is_taken_back_whole(tablet, trust, opens_for):
    before = tablet.inside("cat", "/var/lib/wingspan/provisioning.json").stdout
    trust(tablet, "place", {"device": "WS-000001", "prison_id": "LEI"})
    trust(tablet, "revert")

    assert (opens_for(tablet, "MDI"), opens_for(tablet, "LEI")) == (True, False)
    assert tablet.inside("cat", "/var/lib/wingspan/provisioning.json").stdout == before


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"device": "WS-000002", "prison_id": "LEI"}, "this is WS-000001"),
        ({"device": "WS-000001", "prison_id": 'L" '}, "is not a name"),
    ],
)
def test_a_move_of_another_device_or_to_no_name_is_refused(tablet, trust, order, why):
    assert why in trust(tablet, "place", order)["refused"]


@pytest.mark.parametrize(
    "case",
    [
        ({"revocation_list": ""}, "revocation list is unreadable"),
        ({"revocation_list": "cnViYmlzaA=="}, "revocation list is unreadable"),
        ({"revocation_list": "not base64"}, "Error"),
        ({"broker_authorities": ()}, "no authority for one of the lanes"),
        ({"deploy_authorities": ("ssh-ed25519 AAAA",)}, "deploy_ca.pub is not readable"),
    ],
)
def test_a_statement_that_would_lock_everyone_out_is_refused(tablet, trust, identity, opens, case):
    fields, why = case
    assert why in trust(tablet, "take", changed(identity, **fields))["refused"]
    assert opens(tablet)


def test_on_a_full_disk_the_old_statement_stays_in_force(tablet, trust, identity, opens):
    tablet.inside("sh", "-c", "cat /dev/zero > /var/filler")  # Until nothing more fits.

    assert "No space left" in trust(tablet, "take", changed(identity))["refused"]
    assert trust(tablet, "settings")["number"] == 1
    assert opens(tablet)
    assert tablet.inside("sh", "-c", "ls -A /etc/ssh/wingspan.d").stdout.split() == [
        ".lock",
        tablet.inside("readlink", "/etc/ssh/wingspan").stdout.strip().rsplit("/", 1)[1],
    ]


def test_a_generation_is_replaced_by_one_rename(tablet, trust, identity):
    before = tablet.inside("readlink", "/etc/ssh/wingspan").stdout
    trust(tablet, "take", changed(identity))

    assert tablet.inside("readlink", "/etc/ssh/wingspan").stdout != before
    assert sorted(tablet.inside("ls", "/etc/ssh/wingspan/").stdout.split()) == [
        "broker_keys",
        "deploy_ca.pub",
        "deploy_principals",
        "revoked.krl",
        "trust.json",
    ]


@pytest.mark.parametrize("path", ["/etc/passwd", "/usr/local/bin/wingspan/../../../../etc/passwd"])
def test_enrolment_writes_nowhere_but_to_its_own_places(
    start_tablet, identity, trust, enrolment, path
):
    tablet = start_tablet(identity.path("bootstrap.pub"))
    enrolment["files"] = {path: ["", "0644"]}

    assert "is not a place" in trust(tablet, "enrol", enrolment)["refused"]
