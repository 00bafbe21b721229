"""Orders to enrolled devices of a rehearsal: real sshd, sudo, nftables and ssh-keygen."""

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from fleet.approval import Action, inclusion, leaf, new_request
from fleet.approval.order import APPROVED, REQUESTED, Signature, order, read_proof, signed
from fleet.approval.request import frozen
from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import NotYetError, RefusedError, SupersededError
from fleet.identity import Identity, Lane
from fleet.identity.operators import Operator, Role, added
from fleet.registry import Registry
from fleet.ssh import Target, open_session
from fleet.trust import missed, push
from tests.fleet.authenticator import TOUCHED, Authenticator
from tests.fleet.conftest import new_key

PATIENCE_S = 60


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return the signing keys of those who work here, by name."""
    folder = tmp_path_factory.mktemp("people")
    names = ("ben", "cleo", "vic", "eli", "una")
    for name in names:
        new_key(folder / name)
    return {name: folder / name for name in names}


@pytest.fixture(scope="module")
def fleet(lab, people):
    """Return seven live devices, and how to send them orders."""
    identity, _ = Identity.make(lab.workspace, operator="asha")
    roles = {"ben": Role.OPERATOR, "cleo": Role.APPROVER, "vic": Role.VIEWER}
    operators = identity.operators()
    for name, role in roles.items():
        public = people[name].with_suffix(".pub").read_text().strip()
        operators = added(operators, Operator(operator=name, role=role, key=public))
    identity.set_operators(operators)
    identity.renew()
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        candidates = read_candidates(lab.workspace.devices_csv)[:7]
        results = enrol_devices(centre, registry, plan(registry, candidates))
        assert all(one.done for one in results), results
        yield Fleet(lab, centre, registry, people)


class Fleet:
    """Live devices of a lab, and people who sign orders to them."""

    def __init__(self, lab, centre, registry, people):
        self.lab, self.identity, self.people = lab, centre.identity, people
        self.centre, self.registry = centre, registry
        self.devices = frozen(registry.devices())

    def hire(self, name, role, *, prison="", key=""):
        """Put a person on the list of signers, and bring that to the devices."""
        public = key or self.people[name].with_suffix(".pub").read_text().strip()
        new = Operator(operator=name, role=role, prison=prison, key=public)
        self.identity.set_operators(added(self.identity.operators(), new))
        self.identity.refresh()
        assert not missed(push(self.centre, self.registry))

    def ask(self, action, devices, **parameters):
        now = datetime.now(tz=UTC)
        expires = None if action is Action.LOCK else now + timedelta(hours=1)
        return new_request(
            action,
            devices,
            scope="test",
            by="ben",
            now=now,
            expires=expires,
            parameters=parameters,
        )

    def signatures(self, request, *approvers, by="ben"):
        asked = signed(request, operator=by, key=self.people[by], namespace=REQUESTED)
        return [
            asked,
            *(
                signed(request, operator=name, key=self.people[name], namespace=APPROVED)
                for name in approvers
            ),
        ]

    def send(self, device, request, signatures, devices, **more):
        leaves = [leaf(one.device, one.nonce) for one in devices]
        included = inclusion(leaves)[list(devices).index(device)] if device in devices else []
        challenge = secrets.token_hex(8)
        sent = order(request, signatures, included, challenge=challenge, **more)
        answer = self.broker(device, "order", sent)
        return read_proof(answer, device, request=request.request, challenge=challenge)

    def prove(self, device, request):
        challenge = secrets.token_hex(8)
        asked = json.dumps({"request": request.request, "challenge": challenge}).encode()
        answer = self.broker(device, "prove", asked)
        return read_proof(answer, device, request=request.request, challenge=challenge)

    def inside(self, device, script):
        """Run a script of the shell on a device, as if typed at its keyboard."""
        found = next(one for one in self.lab.devices if one.serial == device.serial)
        return self.lab.rehearsal.on(found, ["sh", "-c", script])

    def broker(self, device, command, stdin):
        credential = self.identity.credential(
            Lane.BROKER, operator="asha", principals=["estate"], purpose="test"
        )
        target = Target(
            device=device.device,
            address=device.address,
            port=device.port,
            user="wingspan",
            host_key=device.host_key,
        )
        with open_session(target, credential, self.lab.transport, timeout_s=PATIENCE_S) as session:
            return session.run(command, stdin=stdin, timeout_s=PATIENCE_S).stdout


# By a time that the device takes for certain.
A_CENTURY_LATER = "cd /var/lib/wingspan; cp clock kept; echo '{\"known_s\": 4900000000}' >clock"
PAGE = "Press the cell bell for help. Samaritans: dial 116123."


def test_a_lock_by_one_person_closes_the_network_and_shows_it(fleet):
    device = fleet.devices[0]
    request = fleet.ask(Action.LOCK, [device], level="relay-only", page=PAGE)

    proof = fleet.send(device, request, fleet.signatures(request), [device])

    assert (proof.outcome, proof.level, proof.why) == ("done", "relay-only", "")
    assert proof.shown["screen"] == "notice"
    assert proof.shown["target"] == "wingspan-relay-only.target"
    assert proof.shown["probes"]["forbidden"] == "shut"
    assert fleet.prove(device, request).ruleset_sha256 == proof.ruleset_sha256


def test_an_unlock_needs_a_second_person_and_opens_only_what_it_names(fleet):
    device = fleet.devices[1]
    first = fleet.ask(Action.LOCK, [device], level="relay-only", page=PAGE)
    later = fleet.ask(Action.LOCK, [device], level="screen-off", page=PAGE)
    for lock in (first, later):
        fleet.send(device, lock, fleet.signatures(lock), [device])
    unlock = fleet.ask(Action.UNLOCK, [device], locks=later.request)

    with pytest.raises(RefusedError, match="2 people have to sign, and 1 did"):
        fleet.send(device, unlock, fleet.signatures(unlock), [device])
    proof = fleet.send(device, unlock, fleet.signatures(unlock, "cleo"), [device])

    assert (proof.outcome, proof.level) == ("done", "relay-only")
    assert proof.shown["locks"] == [first.request]


def test_a_release_that_is_not_due_is_refused_and_one_that_is_due_is_done(fleet):
    device = fleet.devices[1]
    lock = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    fleet.send(device, lock, fleet.signatures(lock), [device])
    now_s = int(datetime.now(tz=UTC).timestamp())
    early, due = (
        fleet.ask(Action.UNLOCK, [device], locks=lock.request, due_s=now_s + away_s)
        for away_s in (1800, -1)
    )

    with pytest.raises(RefusedError, match="the order is not due yet"):
        fleet.send(device, early, fleet.signatures(early, "cleo"), [device])
    released = fleet.send(device, due, fleet.signatures(due, "cleo"), [device])

    assert lock.request not in released.shown["locks"]


def test_no_device_releases_by_its_own_clock(fleet):
    device = fleet.devices[2]
    lock = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE, review_s=1, due_s=1)
    fleet.send(device, lock, fleet.signatures(lock), [device])
    boot = "python3 /usr/local/lib/wingspan/wingspan_state.py"

    fleet.inside(device, f"{A_CENTURY_LATER}; {boot}; mv kept clock")

    assert lock.request in fleet.prove(device, lock).shown["locks"]


def test_a_later_lock_neither_weakens_nor_shortens_an_earlier_one(fleet):
    device = fleet.devices[4]
    first = fleet.ask(Action.LOCK, [device], level="screen-off", page=PAGE)
    later = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    fleet.send(device, first, fleet.signatures(first), [device])

    both = fleet.send(device, later, fleet.signatures(later), [device])
    unlock = fleet.ask(Action.UNLOCK, [device], locks=later.request, due_s=1)
    left = fleet.send(device, unlock, fleet.signatures(unlock, "cleo"), [device])
    freed = fleet.ask(Action.UNLOCK, [device], locks=first.request)
    fleet.send(device, freed, fleet.signatures(freed, "cleo"), [device])

    assert (both.level, left.level) == ("screen-off", "screen-off")
    assert left.shown["locks"] == [first.request]


def test_an_order_expires_by_the_last_time_that_was_certain(fleet):
    device = fleet.devices[2]
    request = fleet.ask(Action.QUARANTINE, [device])
    fleet.inside(device, A_CENTURY_LATER)

    with pytest.raises(RefusedError, match="the order has expired"):
        fleet.send(device, request, fleet.signatures(request), [device])
    fleet.inside(device, "cd /var/lib/wingspan; mv kept clock")


def test_a_list_of_signers_that_is_too_old_allows_only_what_closes(fleet):
    device = fleet.devices[0]
    lock = fleet.ask(Action.LOCK, [device], level="relay-only", page=PAGE)
    # Due after the list of signers is too old: expiry is not what it fails by.
    unlock = replace(
        fleet.ask(Action.UNLOCK, [device], locks=lock.request),
        expires_s=7_258_118_400,
    )
    fleet.inside(device, A_CENTURY_LATER)
    try:
        locked = fleet.send(device, lock, fleet.signatures(lock), [device])
        with pytest.raises(RefusedError, match="too old for anything but closing"):
            fleet.send(device, unlock, fleet.signatures(unlock, "cleo"), [device])
    finally:
        fleet.inside(device, "cd /var/lib/wingspan; mv kept clock")

    assert locked.outcome == "done"
    assert lock.request in locked.shown["locks"]


def test_a_full_disk_keeps_a_device_from_opening_and_not_from_closing(fleet):
    device = fleet.devices[6]  # No other test locks it.
    lock = fleet.ask(Action.LOCK, [device], level="relay-only", page=PAGE)
    release = fleet.ask(Action.UNLOCK, [device], locks=lock.request)
    before = fleet.prove(device, lock).ruleset_sha256
    with fleet.lab.fault("fill", device.serial):
        shut = fleet.send(device, lock, fleet.signatures(lock), [device])
        with pytest.raises(RefusedError, match="No space left"):
            fleet.send(device, release, fleet.signatures(release, "cleo"), [device])

    # The kernel has the rules; that it could not keep the lock is said, and it is taken anew.
    assert shut.outcome == "begun"
    assert "it cannot be kept: [Errno 28]" in shut.why
    assert shut.ruleset_sha256 != before
    assert fleet.prove(device, lock).outcome == "unknown"
    kept = fleet.send(device, lock, fleet.signatures(lock), [device])
    assert (kept.outcome, kept.level) == ("done", "relay-only")


def test_the_same_person_twice_is_one_person(fleet):
    device = fleet.devices[2]
    unlock = fleet.ask(Action.UNLOCK, [device], locks="R-0")
    once = fleet.signatures(unlock)

    with pytest.raises(RefusedError, match="2 people have to sign, and 1 did"):
        fleet.send(device, unlock, once * 2, [device])


def test_who_may_not_agree_does_not_count(fleet):
    device = fleet.devices[2]
    unlock = fleet.ask(Action.UNLOCK, [device], locks="R-0")

    with pytest.raises(RefusedError, match="2 people have to sign, and 1 did: \\['ben'\\]"):
        fleet.send(device, unlock, fleet.signatures(unlock, "vic"), [device])


def test_who_was_hired_since_the_device_had_its_list_counts_with_the_next(fleet):
    device = fleet.devices[2]
    held = fleet.identity.statement().number
    unlock = fleet.ask(Action.UNLOCK, [device], locks="R-0")
    agreed = fleet.signatures(unlock, "eli")
    asked = replace(fleet.ask(Action.LOCK, [device], level="notice", page=PAGE), requested_by="eli")
    cure = (
        f"eli is not in list {held} of signers, which this device holds; wingspan fleet keys push"
    )

    with pytest.raises(NotYetError, match=f"2 people have to sign, and 1 did: {cure}"):
        fleet.send(device, unlock, agreed, [device])
    with pytest.raises(NotYetError, match=cure):
        fleet.send(device, asked, fleet.signatures(asked, by="eli"), [device])
    fleet.hire("eli", Role.APPROVER)
    taken = fleet.send(device, asked, fleet.signatures(asked, by="eli"), [device])
    freed = fleet.ask(Action.UNLOCK, [device], locks=asked.request)
    fleet.send(device, freed, fleet.signatures(freed, "eli"), [device])

    assert taken.outcome == "done"
    assert asked.request in taken.shown["locks"]


def test_why_nobody_who_may_has_asked_is_told_apart(fleet):
    device = fleet.devices[2]
    request = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    by_vic = replace(request, requested_by="vic")

    with pytest.raises(RefusedError, match="ben did not sign it"):
        fleet.send(device, request, fleet.signatures(request, "cleo")[1:], [device])
    with pytest.raises(RefusedError, match="vic is viewer in this device's list of signers"):
        fleet.send(device, by_vic, fleet.signatures(by_vic, by="vic"), [device])


def test_who_works_in_another_prison_is_told_so(fleet):
    device = fleet.devices[2]
    fleet.hire("una", Role.OPERATOR, prison="ZZZ")
    request = replace(
        fleet.ask(Action.LOCK, [device], level="notice", page=PAGE), requested_by="una"
    )

    with pytest.raises(RefusedError, match="una may act on ZZZ alone, and this device is in no"):
        fleet.send(device, request, fleet.signatures(request, by="una"), [device])


def test_an_order_that_was_changed_after_it_was_signed_is_refused(fleet):
    device = fleet.devices[2]
    request = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    signatures = fleet.signatures(request)
    changed = replace(request, parameters={"level": "screen-off", "page": PAGE})

    with pytest.raises(RefusedError, match="a signature does not hold"):
        fleet.send(device, changed, signatures, [device])


def test_an_order_for_others_is_refused(fleet):
    device, other = fleet.devices[2:4]
    request = fleet.ask(Action.LOCK, [other], level="notice", page=PAGE)

    with pytest.raises(RefusedError, match="not for this device in its present provisioning"):
        fleet.send(device, request, fleet.signatures(request), [other])


def test_an_order_for_an_earlier_provisioning_is_refused(fleet):
    device = fleet.devices[2]
    before = replace(device, nonce="0" * 32)
    request = fleet.ask(Action.LOCK, [before], level="notice", page=PAGE)

    with pytest.raises(RefusedError, match="not for this device in its present provisioning"):
        fleet.send(device, request, fleet.signatures(request), [device])


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_order_is_refused_and_nothing_is_noted(fleet, kept):
    device = fleet.devices[2]
    request = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    whole = order(request, fleet.signatures(request), [], challenge="c")
    before = fleet.inside(device, "ls /var/lib/wingspan/used 2>/dev/null || :")

    answer = fleet.broker(device, "order", whole[: int(len(whole) * kept)])

    assert "refused" in json.loads(answer)
    assert fleet.inside(device, "ls /var/lib/wingspan/used 2>/dev/null || :") == before


def test_an_expired_order_is_refused(fleet):
    device = fleet.devices[2]
    request = replace(
        fleet.ask(Action.QUARANTINE, [device]), expires_s=int(datetime.now(tz=UTC).timestamp()) - 1
    )

    with pytest.raises(RefusedError, match="the order has expired"):
        fleet.send(device, request, fleet.signatures(request), [device])


def test_an_order_sent_again_changes_nothing_and_tells_what_came_of_it(fleet):
    device = fleet.devices[3]
    lock = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    fleet.send(device, lock, fleet.signatures(lock), [device])
    unlock = fleet.ask(Action.UNLOCK, [device], locks=lock.request)
    fleet.send(device, unlock, fleet.signatures(unlock, "cleo"), [device])

    again = fleet.send(device, lock, fleet.signatures(lock), [device])

    assert (again.outcome, again.level) == ("done", "")


def test_a_quarantined_device_reaches_nothing_but_its_relay_until_two_release_it(fleet):
    device = fleet.devices[4]
    request = fleet.ask(Action.QUARANTINE, [device])
    held = fleet.send(device, request, fleet.signatures(request), [device])
    release = fleet.ask(Action.RELEASE, [device])

    freed = fleet.send(device, release, fleet.signatures(release, "cleo"), [device])

    assert (held.quarantined, held.shown["screen"]) == (True, "notice")
    assert (freed.quarantined, freed.shown["screen"]) == (False, "running")


def test_an_allowlist_that_widens_needs_two_and_one_that_narrows_one(fleet):
    device = fleet.devices[5]
    wide = json.dumps([{"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}])
    narrow = "[]"
    asked = {
        text: fleet.ask(
            Action.ALLOWLIST, [device], allowlist_sha256=sha256(text.encode()).hexdigest()
        )
        for text in (wide, narrow)
    }

    with pytest.raises(RefusedError, match="2 people have to sign"):
        fleet.send(device, asked[wide], fleet.signatures(asked[wide]), [device], allowlist=wide)
    widened = fleet.send(
        device, asked[wide], fleet.signatures(asked[wide], "cleo"), [device], allowlist=wide
    )
    narrowed = fleet.send(
        device, asked[narrow], fleet.signatures(asked[narrow]), [device], allowlist=narrow
    )

    assert widened.shown["allowlist_sha256"] == sha256(wide.encode()).hexdigest()
    assert narrowed.shown["allowlist_sha256"] == sha256(narrow.encode()).hexdigest()


def test_a_list_that_was_held_back_does_not_come_after_a_later_one(fleet):
    device = fleet.devices[5]
    lists = [
        json.dumps([{"network": f"203.0.113.{n}/32", "protocol": "tcp", "port": 443}])
        for n in (1, 2)
    ]
    held, later = (
        fleet.ask(Action.ALLOWLIST, [device], allowlist_sha256=sha256(text.encode()).hexdigest())
        for text in lists
    )
    held = replace(held, requested_s=held.requested_s - 60)
    fleet.send(device, later, fleet.signatures(later, "cleo"), [device], allowlist=lists[1])

    with pytest.raises(SupersededError, match="a later order has taken its place"):
        fleet.send(device, held, fleet.signatures(held, "cleo"), [device], allowlist=lists[0])


def test_who_signs_with_a_security_key_is_a_person_like_others(fleet):
    device, key = fleet.devices[2], Authenticator()
    fleet.hire("fay", Role.APPROVER, key=key.public)
    lock = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    fleet.send(device, lock, fleet.signatures(lock), [device])
    unlock = fleet.ask(Action.UNLOCK, [device], locks=lock.request)
    good, untouched = (
        Signature(
            operator="fay",
            signature=key.sign(unlock.encoded(), namespace=APPROVED, touched=touched),
        )
        for touched in (TOUCHED, b"\x00")
    )
    asked = fleet.signatures(unlock)

    with pytest.raises(RefusedError, match="a signature does not hold"):
        fleet.send(device, unlock, [*asked, untouched], [device])
    freed = fleet.send(device, unlock, [*asked, good], [device])

    assert lock.request not in freed.shown["locks"]


def test_a_proof_by_another_device_is_refused(fleet):
    device, other = fleet.devices[0], fleet.devices[1]
    request = fleet.ask(Action.LOCK, [device], level="notice", page=PAGE)
    asked = json.dumps({"request": request.request, "challenge": "c"}).encode()
    answer = fleet.broker(other, "prove", asked)

    with pytest.raises(RefusedError, match="the signature does not hold"):
        read_proof(answer, device, request=request.request, challenge="c")


def test_an_order_that_never_came_is_unknown(fleet):
    device = fleet.devices[0]
    request = fleet.ask(Action.WIPE, [device])

    assert fleet.prove(device, request).outcome == "unknown"
