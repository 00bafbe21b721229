"""The kiosk under a real systemd, through the gate that an update shuts."""

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.bundle.tablets import Tablets, generic_source

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
    lab = start_lab(devices=1, prisons=1, systemd=1)
    yield Tablets(lab, tmp_path_factory.mktemp("tablets"))
    down(lab.workspace)


def test_the_kiosk_is_stopped_for_an_update_and_starts_with_what_it_brought(tablets, tmp_path):
    (device,) = tablets.devices
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
