"""The kiosk under a real systemd, through the gate that an update shuts."""

import threading
from contextlib import suppress

import pytest

from fleet.errors import FleetError
from fleet.rehearsal.lab import down
from tests.fleet.bundle.tablets import TAKE, Tablets, generic_source

# As the baseline's unit, without the compositor that it needs.
KIOSK = """\
[Unit]
Description=What a resident sees
After=wingspan-state.service
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -I -S -E /usr/local/lib/wingspan/wingspan_session.py /opt/kiosk/show
Restart=always
RestartSec=2
[Install]
WantedBy=graphical.target
"""
# Notes the version that each session began with.
SHOW = "#!/bin/sh\necho %s >>/run/wingspan/simulated/sessions\nexec sleep infinity\n"


@pytest.fixture(scope="module")
def tablets(start_lab, tmp_path_factory):
    lab = start_lab(devices=2, prisons=1, systemd=2)
    yield Tablets(lab, tmp_path_factory.mktemp("tablets"))
    down(lab.workspace)


def test_the_kiosk_is_stopped_for_an_update_and_starts_with_what_it_brought(tablets, tmp_path):
    device = tablets.devices[0]
    root = tablets.root(device)
    (root / "etc/systemd/system/wingspan-kiosk.service").write_text(KIOSK)
    tablets.on(device, "systemctl", "daemon-reload")
    tablets.on(device, "systemctl", "restart", "wingspan-state.service")

    def bundle(version, post):
        source = generic_source(tmp_path / version, version, parts=1, post=post)
        show = source / "files/opt/kiosk/show"
        show.write_text(SHOW % version)
        show.chmod(0o755)
        return tablets.make("generic", version, source)

    first = tablets.update(device, bundle("1.0", ""))
    tablets.on(device, "systemctl", "enable", "--now", "wingspan-kiosk.service")
    tablets.lab.wait_until(lambda: tablets.sessions(device) == ["1.0"])
    # Neither by hand nor by systemd does a session begin in between.
    active = "systemctl start wingspan-kiosk.service; sleep 3; pgrep -x sleep -a | grep infinity"
    second = tablets.update(device, bundle("2.0", f"! ({active})"))
    tablets.lab.wait_until(lambda: tablets.sessions(device) == ["1.0", "2.0"])

    assert (first.outcome, second.outcome, second.why) == ("done", "done", "")
    assert tablets.on(device, "systemctl", "is-active", "wingspan-kiosk.service") == "active\n"


UNIT = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
# As Debian's packages start their services; before that, it waits to be cut off.
POSTINST = """\
#!/bin/sh
set -e
if [ -e /run/hold ]; then touch /run/held; sleep 600; fi
deb-systemd-helper enable demo.service
deb-systemd-invoke start demo.service
"""


def test_a_boot_that_finishes_an_update_does_not_wait_for_its_services(
    tablets, tmp_path, build_package
):
    device = tablets.devices[1]
    build_package(
        tmp_path, "demo", "2.0", {"/lib/systemd/system/demo.service": UNIT}, postinst=POSTINST
    )
    bundle = tablets.make("debian", "2.0", tmp_path, "demo")
    tablets.bring(device, bundle)
    request = tablets.ask(device, bundle)
    root = tablets.root(device)
    (root / "run/order.json").write_bytes(tablets.envelope(device, request))
    (root / "run/hold").touch()
    tablets.on(device, "sync", "-f", "/")

    def take():
        with suppress(FleetError):  # Its power is cut.
            tablets.on(device, "sh", "-c", f"exec python3 -I -S -E {TAKE} take </run/order.json")

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    tablets.lab.wait_until((root / "run/held").exists)
    with tablets.lab.fault("power-cut", tablets.serial(device)):
        thread.join()
    tablets.lab.answering([tablets.casings[device.device]])

    proof = tablets.prove(device, request)

    assert (proof.outcome, proof.shown["update"]["attempts"]) == ("done", 2), proof.why
    assert (
        tablets.on(device, "dpkg-query", "-W", "-f", "${Status}", "demo") == "install ok installed"
    )
    assert not (tablets.root(device) / "usr/sbin/policy-rc.d").exists()
    tablets.lab.wait_until(
        lambda: (
            tablets.on(device, "sh", "-c", "systemctl is-active multi-user.target || true")
            == "active\n"
        )
    )
