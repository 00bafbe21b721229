import pytest

WANTED = {
    "management": ["198.18.0.0/24"],
    "relay": [],
    "kiosk": {"program": "/usr/bin/chromium --kiosk https://start.example"},
}
UNITS = "/etc/systemd/system"


def made_so(baseline, root):
    """Write what differs under a folder, as the device does under its own root."""
    files, links = baseline.differing(WANTED, str(root))
    for path, text in files.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(text)
    for path, target in links.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).symlink_to(target)


def test_on_a_new_device_everything_differs(baseline, tmp_path):
    files, links = baseline.differing(WANTED, str(tmp_path))

    assert f"{UNITS}/wingspan-kiosk.service" in files
    assert links[f"{UNITS}/apt-daily.timer"] == "/dev/null"
    assert links[f"{UNITS}/systemd-timesyncd.service"] == "/dev/null"


def test_where_it_is_in_force_nothing_differs(baseline, tmp_path):
    made_so(baseline, tmp_path)

    assert baseline.differing(WANTED, str(tmp_path)) == ({}, {})


def test_a_unit_that_was_unmasked_is_found(baseline, tmp_path):
    made_so(baseline, tmp_path)
    (tmp_path / f"{UNITS}/apt-daily.timer"[1:]).unlink()

    files, links = baseline.differing(WANTED, str(tmp_path))

    assert (list(files), list(links)) == ([], [f"{UNITS}/apt-daily.timer"])


def test_the_kiosk_runs_what_is_asked_as_its_own_user(baseline):
    unit = baseline.wanted_files(WANTED)[f"{UNITS}/wingspan-kiosk.service"]

    gate = "/usr/bin/python3 -I -S -E /usr/local/lib/wingspan/wingspan_session.py"
    assert (
        f"ExecStart={gate} /usr/bin/cage -- /usr/bin/chromium --kiosk https://start.example\n"
        in unit
    )
    assert "User=kiosk\n" in unit


@pytest.mark.parametrize("program", ["chromium", "/usr/bin/x\nUser=root"])
def test_a_kiosk_program_that_is_no_command_is_refused(baseline, program):
    with pytest.raises(baseline.firewall.RefusalError, match="no command with its full path"):
        baseline.wanted_files({**WANTED, "kiosk": {"program": program}})
