"""Relays as their engineer installs and admits them."""

from tests.project.test_documentation import undocumented


def test_a_relay_is_admitted_with_a_password_and_a_statement_that_names_it(desk, install):
    relay = install("MDI")
    before = desk.answer("keys", "show")["trust_statement"]

    admitted = desk.answer("relay", "admit", str(relay.root / "relay.json"))

    assert not undocumented(admitted)
    assert (admitted["relay"]["prison"], admitted["relay"]["admitted_by"]) == ("MDI", "asha")
    assert admitted["trust_statement"] == before + 1
    password = desk.workspace.keys / "broker_password.MDI"
    assert admitted["password_file"] == str(password)
    assert password.stat().st_mode & 0o077 == 0


def test_who_admits_a_relay_hears_that_the_baseline_shuts_it_out(desk, install, narrow):
    shown = str(install("MDI").root / "relay.json")

    assert (
        f"{narrow}, `management`, leaves out 10.1.0.5/32"
        in desk.run("relay", "admit", shown).stdout
    )
    assert desk.answer("relay", "admit", shown, "--replace")["shut_out"] == ["10.1.0.5/32"]


def test_a_relay_that_does_not_hold_the_list_of_signers_is_in_the_residue(desk, install):
    desk.run("relay", "admit", str(install("MDI").root / "relay.json"))

    left = desk.answer("residue")

    assert not undocumented(left)
    assert [(one["prison"], one["intent"], one["state"]) for one in left["relays"]] == [
        ("MDI", "trust", "behind")
    ]
    assert "MDI" in desk.run("residue").stdout


def test_a_second_person_has_to_agree_once_there_is_one(desk, install, keygen, tmp_path):
    relay = install("MDI")
    for name, role in (("asha", "admin"), ("cleo", "approver")):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name)
        verb = ("key", name) if name == "asha" else ("add", name, "--role", role)
        desk.run("operator", *verb, "--key", f"{tmp_path / name}.pub")
    settings = desk.root / "wingspan.toml"
    settings.write_text(f'[fleet]\nsigning_key = "{tmp_path / "asha"}"\n')

    asked = desk.answer("relay", "admit", str(relay.root / "relay.json"))

    assert len(asked["approvals_missing"]) == 1
    assert not undocumented(asked)
    assert desk.answer("relay", "status")["relays"] == []


def test_a_prison_has_one_relay_until_it_is_replaced(desk, install):
    desk.run("relay", "admit", str(install("MDI").root / "relay.json"))
    other = str(install("MDI", "other").root / "relay.json")

    said = desk.run("relay", "admit", other, code=6).stderr
    replaced = desk.answer("relay", "admit", other, "--replace")

    assert "MDI has a relay already" in said
    assert replaced["relay"]["prison"] == "MDI"


def test_a_file_that_is_no_relays_is_refused(desk, tmp_path):
    path = tmp_path / "relay.json"
    path.write_text('{"prison": "MDI"}')

    assert "is not a relay's" in desk.run("relay", "admit", str(path), code=3).stderr


def test_the_brokers_users_are_the_centre_and_each_relay(desk, install, tmp_path):
    desk.run("relay", "admit", str(install("MDI").root / "relay.json"))
    out = tmp_path / "users"

    answer = desk.answer("relay", "users", "--broker", "redis", "--out", str(out))

    assert not undocumented(answer)
    listed = [line.split()[1] for line in out.read_text().splitlines()]
    assert listed == ["default", "centre", "relay-MDI"]
    assert "~wingspan-MDI:*" in out.read_text().splitlines()[2]


def test_without_a_broker_relays_that_were_admitted_say_what_is_missing(desk, install):
    desk.run("relay", "admit", str(install("MDI").root / "relay.json"))

    said = desk.run("reconcile", "--once", code=3).stderr

    assert "there is no broker to reach them" in said
    assert "[fleet] broker and broker_authority" in said


def test_a_relay_says_what_it_holds(install):
    relay = install("MDI")

    (shown,) = relay.answer("relay", "status")["relays"]

    assert (shown["prison"], shown["trust_statement"], shown["is_behind"]) == ("MDI", 0, True)
    assert shown["fault"] == "it has not heard from the centre yet"


def test_what_is_no_relay_does_not_work_as_one(desk):
    assert "is no relay's folder" in desk.run("relay", "work", code=3).stderr
