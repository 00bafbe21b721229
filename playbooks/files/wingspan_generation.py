"""Generations of trust: all that sshd reads of whom it lets in, replaced as one.

A generation is a folder, written whole and flushed beside the one in force; a link says which is in
force and is replaced by one rename. So a full disk, a power cut or a kill leaves the old or the new
one, never half: sshd without a readable list of revoked keys would let nobody in.

A part of `wingspan_trust.py`.
"""

import base64
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wingspan_disk import RefusalError, flush, link, read_json, run, write

LINK = Path("/etc/ssh/wingspan")
GENERATIONS = Path("/etc/ssh/wingspan.d")
TRUST_KEY = Path("/etc/wingspan/trust.pub")
NAMESPACE = "wingspan-trust"
KEPT_GENERATIONS = 3


def verified(envelope):
    """Return the statement in an envelope, once the signature over its very bytes holds."""
    text, signature = envelope["statement"], envelope["signature"]
    signers, armoured = GENERATIONS / ".signers", GENERATIONS / ".signature"
    key = TRUST_KEY.read_text(encoding="ascii").strip()
    write(signers, f'centre namespaces="{NAMESPACE}" {key}\n', 0o600)
    write(armoured, signature, 0o600)
    who = ("-f", signers, "-I", "centre", "-n", NAMESPACE, "-s", armoured)
    done = run("ssh-keygen", "-Y", "verify", *who, data=text.encode())
    signers.unlink()
    armoured.unlink()
    if done.returncode:
        raise RefusalError("the statement's signature does not hold")
    return json.loads(text)


def in_force():
    """Return the number of the statement in force, or 0."""
    try:
        return json.loads(read_json(LINK / "trust.json")["statement"])["number"]
    except (OSError, ValueError, KeyError):
        return 0


def files_of(statement, envelope, provisioning):
    """Return what sshd reads, by name."""
    device, prison = provisioning["device"], provisioning["prison_id"]
    accepted = ["device-" + device]
    if prison:
        accepted.append("prison-" + prison)
    lane = 'restrict,command="/usr/local/bin/wingspan-device broker"'
    ways = [
        f'cert-authority,principals="{",".join(["estate", *accepted])}",{lane} {key}\n'
        for key in statement["broker_authorities"]
    ]
    # A prison's relay has an authority of its own, which opens nothing elsewhere.
    ways += [
        f'cert-authority,principals="{",".join(accepted)}",{lane} {one["key"]}\n'
        for one in statement.get("relay_authorities", ())
        if one["prison"] == prison
    ]
    # A sealed key opens this lane without any authority.
    sealed = [one for one in statement["signers"] if one["role"] == "break-glass"]
    ways += [f"{lane} {one['key']}\n" for one in sealed if one["prison"] in ("", prison)]
    return {
        "broker_keys": "".join(ways),
        "deploy_ca.pub": "".join(f"{key}\n" for key in statement["deploy_authorities"]),
        "deploy_principals": f"device-{device}\n",
        "revoked.krl": base64.b64decode(statement["revocation_list"], validate=True),
        "trust.json": json.dumps(envelope),
    }


def check_generation(folder, statement):
    """Refuse what would lock everyone out: no authority, or a list that sshd cannot use."""
    if not statement["broker_authorities"] or not statement["deploy_authorities"]:
        raise RefusalError("the statement names no authority for one of the lanes")
    for name in ("broker_keys", "deploy_ca.pub"):
        lines = (folder / name).read_text(encoding="ascii").splitlines()
        listed = run("ssh-keygen", "-l", "-f", folder / name)
        if listed.returncode or len(listed.stdout.splitlines()) != len(lines):
            raise RefusalError(f"the statement's {name} is not readable by OpenSSH")
    krl, authorities = folder / "revoked.krl", folder / "deploy_ca.pub"
    checked = run("ssh-keygen", "-Q", "-f", krl, authorities)
    if checked.returncode:
        raise RefusalError("the statement's revocation list is unreadable or revokes an authority")


def write_generation(statement, envelope, provisioning):
    """Write and check a generation whole, and return its name; on any failure nothing is left."""
    files = files_of(statement, envelope, provisioning)
    content = {
        name: part if isinstance(part, bytes) else part.encode() for name, part in files.items()
    }
    digest = hashlib.sha256(b"\0".join(content[name] for name in sorted(content))).hexdigest()
    name = f"{statement['number']}-{digest[:12]}"
    folder, aside = GENERATIONS / name, GENERATIONS / ".writing"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(mode=0o755, parents=True)
        for part, text in content.items():
            write(aside / part, text)
        check_generation(aside, statement)
        flush(aside)
        if name != current():  # Taken again as it stands: nothing to replace.
            shutil.rmtree(folder, ignore_errors=True)  # Left by an earlier try.
            aside.rename(folder)
            flush(GENERATIONS)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return name


def point_to(name):
    """Put a generation in force by one rename."""
    link(LINK, GENERATIONS / name)


def current():
    """Return the name of the generation in force, or an empty text."""
    try:
        return LINK.readlink().name
    except OSError:
        return ""


def clear_old():
    """Remove generations that are neither in force nor among the last few."""
    folders = [folder for folder in GENERATIONS.iterdir() if folder.name[0].isdigit()]
    folders.sort(key=lambda folder: int(folder.name.split("-")[0]))
    for folder in folders[:-KEPT_GENERATIONS]:
        if folder.name != current():
            shutil.rmtree(folder, ignore_errors=True)
