"""The state that an order leads to: nothing is touched here, and what cannot be is refused."""

import hashlib
import json
import time

import wingspan_dead_man as dead_man
import wingspan_firewall as firewall
import wingspan_names as names
import wingspan_state as states


def changed(state, request, envelope):
    """Return the state after an order."""
    action = request["action"]
    if action not in CHANGES:
        raise firewall.RefusalError(f"this device does not know how to {action}")
    return CHANGES[action](json.loads(json.dumps(state)), request, envelope)


def locked(after, request, _envelope):
    """Locks add up: none shortens or weakens another."""
    given = request["parameters"]
    if given["level"] not in states.LEVELS:
        raise firewall.RefusalError(f"{given['level']!r} is none of {', '.join(states.LEVELS)}")
    after["locks"][request["request"]] = {"level": given["level"], "since_s": int(time.time())}
    after["page"] = given["page"]
    return after


def unlocked(after, request, _envelope):
    """Only the locks that it names: one that came since its approval still holds."""
    for name in request["parameters"]["locks"].split(","):
        after["locks"].pop(name, None)
    return after


def quarantined(after, request, _envelope):
    after["quarantined_by"] = request["request"]
    return after


def released(after, _request, _envelope):
    after["quarantined_by"] = ""
    return after


def wiped(after, _request, _envelope):
    """Nothing of the provisioning is left but the page, and that it is over."""
    with open(states.PROVISIONING, encoding="utf-8") as file:
        provisioned = json.load(file)["nonce"]
    return {**states.NOTHING, "page": after["page"], "wiped": provisioned}


def with_rule(after, request, _envelope):
    given = request["parameters"]
    after["dead_man"] = dead_man.checked(given["days"], given["level"])
    return after


def allowing(after, request, envelope):
    """Only the list that was signed, and only one that makes rules."""
    text = envelope["allowlist"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != request["parameters"]["allowlist_sha256"]:
        raise firewall.RefusalError("the allowlist is not the one that was signed")
    after["allowed"], after["allowlist_sha256"] = json.loads(text), digest
    wanted = {**firewall.current(), "allowed": after["allowed"]}
    firewall.rules(wanted)
    names.refuse_unable(wanted)
    return after


CHANGES = {
    "lock": locked,
    "unlock": unlocked,
    "quarantine": quarantined,
    "release": released,
    "wipe": wiped,
    "dead-man": with_rule,
    "allowlist": allowing,
}
