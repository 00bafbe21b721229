"""Enrolled tablets of a rehearsal that take bundles, and users whose sessions come and go."""

import json
import secrets
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial

from fleet.approval import Action, inclusion, leaf, new_request
from fleet.approval.order import REQUESTED, order, read_proof, signed
from fleet.bundle import Kind, Rules, Wanted, make_bundle, parameters_of
from fleet.driver import SshWire
from fleet.health.probe import Lane, Patience, renewed
from fleet.identity import Identity
from fleet.identity import Lane as Authority
from fleet.registry import Registry
from tests.fleet.cli.office import open_office

BUNDLES = "var/lib/wingspan/bundles"
TAKE = "/usr/local/lib/wingspan/wingspan_order.py"
ANY_TIME = Rules(battery_percent_min=0)
PATIENCE = Patience(login_s=60, answer_s=300)

# What a session sees of the kiosk: the version that all parts are of, or that they differ. It is
# written where no power cut takes it away.
SESSION = """\
#!/bin/sh
versions=$(head -qn1 /opt/kiosk/part-* | sort -u | tr '\\n' ' ')
# What cannot be written has lost its power while it looked.
: >/opt/alive || exit
echo "$versions" >>/run/wingspan/simulated/sessions
sleep 0.05
"""
# A user who wants a session at any time, from the first moment of each boot.
USER = """\
#!/bin/sh
( while :; do
    python3 -I -S -E /usr/local/lib/wingspan/wingspan_session.py /opt/session
    sleep 0.4
done ) </dev/null >/dev/null 2>&1 &
"""


class Tablets:
    """Live devices of a lab, bundles for them, and who orders that they take them."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.office = open_office(lab, folder)
        self.identity = Identity.open(lab.workspace)
        issue = partial(
            self.identity.credential, Authority.BROKER, operator="asha", purpose="updates"
        )
        lane = Lane(credential=renewed(issue, every_s=300), transport=lab.transport)
        self.wire = SshWire(lane=lane)
        with Registry.open(lab.workspace.settings().database) as registry:
            self.devices = registry.devices()
        by_cell = {device.cell.cell: device for device in lab.devices}
        self.casings = {device.device: by_cell[device.cell] for device in self.devices}

    def root(self, device):
        """Return the root directory of a device, seen from here."""
        return self.lab.rehearsal.root(self.casings[device.device])

    def on(self, device, *command):
        """Run a command on a device, as if typed at its keyboard."""
        return self.lab.rehearsal.on(self.casings[device.device], command)

    def serial(self, device):
        """Return how the lab calls a device."""
        return self.casings[device.device].serial

    def text(self, device, path):
        """Return what is in a file of a device, "" where there is none."""
        try:
            return (self.root(device) / path.lstrip("/")).read_text().strip()
        except OSError:
            return ""

    def make(self, kind, version, source, name="kiosk", **more):
        """Make a bundle."""
        wanted = Wanted(name=name, kind=Kind(kind), version=version, **more)
        target = self.folder / f"{name}-{version}.tar"
        now = datetime.now(tz=UTC)
        return make_bundle(self.lab.workspace, source, wanted, target, now=now)

    def bring(self, device, bundle):
        """Put a bundle on a device, as a prefetch leaves it."""
        place = self.root(device) / BUNDLES
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.path, place / bundle.sha256)

    def ask(self, device, bundle, rules=ANY_TIME, **parameters):
        """Return a request that a device take a bundle."""
        now = datetime.now(tz=UTC)
        return new_request(
            Action.UPDATE,
            [device],
            scope="test",
            by="ben",
            now=now,
            expires=now + timedelta(hours=6),
            parameters=parameters_of(bundle, rules) | parameters,
        )

    def envelope(self, device, request, challenge=""):
        """Return the order of a request to a device, as it goes over the wire."""
        key = self.office.keys["ben"]
        asked = signed(request, operator="ben", key=key, namespace=REQUESTED)
        (included,) = inclusion([leaf(device.device, device.nonce)])
        return order(request, [asked], included, challenge=challenge)

    def send(self, device, request):
        """Send the order of a request over the broker lane, and return the proof."""
        challenge = secrets.token_hex(8)
        sent = self.envelope(device, request, challenge)
        answer = self.wire.said(device, PATIENCE, "order", sent)
        return read_proof(answer, device, request=request.request, challenge=challenge)

    def update(self, device, bundle, rules=ANY_TIME, **parameters):
        """Bring a bundle to a device, order that it take it, and return the proof."""
        self.bring(device, bundle)
        return self.send(device, self.ask(device, bundle, rules, **parameters))

    def prove(self, device, request):
        """Ask a device what became of a request."""
        challenge = secrets.token_hex(8)
        asked = json.dumps({"request": request.request, "challenge": challenge}).encode()
        answer = self.wire.said(device, PATIENCE, "prove", asked)
        return read_proof(answer, device, request=request.request, challenge=challenge)

    def give_user(self, device):
        """Have somebody want sessions on a device from now on."""
        root = self.root(device)
        for path, text in (("opt/session", SESSION), ("etc/wingspan/boot.d/zz-user", USER)):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            (root / path).chmod(0o755)
        self.on(device, "sync", "-f", "/")
        self.on(device, "/etc/wingspan/boot.d/zz-user")

    def sessions(self, device):
        """Return what each session saw, the first first."""
        path = self.lab.rehearsal.folder(self.casings[device.device]) / "simulated/sessions"
        return path.read_text().splitlines() if path.exists() else []

    def parts(self, device):
        """Return the versions that the parts of the kiosk on a device are of."""
        parts = sorted((self.root(device) / "opt/kiosk").glob("part-*"))
        return {part.read_text().split("\n", 1)[0] for part in parts}


PARTS, PART_BYTES = 24, 60_000


def generic_source(folder, version, *, parts=PARTS, pre="", post=""):
    """Write the folder of a generic bundle whose parts all say which version they are of."""
    place = folder / "files/opt/kiosk"
    place.mkdir(parents=True)
    for number in range(parts):
        (place / f"part-{number:02}").write_text(f"{version}\n{'x' * PART_BYTES}")
    for when, text in (("pre", pre), ("post", post)):
        if text:
            (folder / "checks" / when).mkdir(parents=True)
            check = folder / "checks" / when / "check"
            check.write_text(f"#!/bin/sh\n{text}\n")
            check.chmod(0o755)
    return folder


def build_package(folder, package, version, files=None, **scripts):
    """Build a real Debian package in a folder."""
    tree = folder / f".{package}-{version}"
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(
        f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Wingspan <wingspan@example.org>\nDescription: for a test\n"
        "Installed-Size: 4\n"
    )
    for name, text in (files or {}).items():
        path = tree / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in scripts.items():
        (control / name).write_text(text)
        (control / name).chmod(0o755)
    target = folder / f"{package}_{version}_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", tree, target]
    subprocess.run(command, check=True, capture_output=True)
