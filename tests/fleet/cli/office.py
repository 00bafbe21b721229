"""A workspace with live devices in a rehearsal, and people who type commands in it."""

import json

from click.testing import CliRunner

from fleet.cli import fleet
from tests.fleet.conftest import new_key
from tests.project.test_documentation import undocumented

ROLES = {"ben": "operator", "cleo": "approver", "dora": "approver", "vic": "viewer"}


class Office:
    """A workspace with live devices, and people who type commands in it."""

    def __init__(self, lab, keys):
        self.lab, self.keys = lab, keys
        self.answered, self.taken = set(), set()

    def environment(self, who):
        """Return what says who acts, and what they sign with."""
        return {
            "WINGSPAN_OPERATOR": who,
            "WINGSPAN_SIGNING_KEY": str(self.keys[who]) if who in self.keys else "",
            "WINGSPAN_DATABASE": "",
        }

    def types(self, who, *words):
        """Run a command as somebody, with their key."""
        runner = CliRunner(env=self.environment(who))
        return runner.invoke(fleet, [*words], obj=self.lab.workspace, catch_exceptions=False)

    def answer(self, who, *words):
        """Run a command as somebody and return what it answers."""
        result = self.types(who, *words, "--json")
        answer = json.loads(result.stdout)
        self.answered.add(words[0])
        assert not undocumented(answer)
        return result.exit_code, answer

    def hire(self, name, role, public):
        """Add a person, which takes a second one as soon as there is one."""
        words = ("operator", "add", name, "--role", role, "--key", public)
        _, added = self.answer("asha", *words)
        if added["approvals_missing"]:
            assert self.types("cleo", "approve", added["request"]).exit_code == 0
            _, added = self.answer("asha", *words)
        assert added["operator"]["operator"] == name

    def names(self):
        """Return the names of the devices."""
        return [d["device"] for d in self.answer("asha", "list")[1]["devices"]]

    def lab_device(self, name):
        """Return the device of the lab that has a name in the registry."""
        serial = self.answer("asha", "show", name)[1]["serial"]
        return next(d for d in self.lab.devices if d.serial == serial)

    def inside(self, device, *command):
        """Run a command on a device, as if typed at its keyboard."""
        return self.lab.rehearsal.on(device, command)


def open_office(lab, folder, **more):
    """Begin a fleet in a lab, hire its people, and `more` by role, and enrol its devices."""
    roles = {**ROLES, **more}
    people = ("asha", *roles)
    for name in people:
        new_key(folder / name)
    office = Office(lab, {name: folder / name for name in people})
    assert office.types("asha", "init", "--key", str(folder / "asha.pub")).exit_code == 0
    for name, role in roles.items():
        office.hire(name, role, str(folder / f"{name}.pub"))
    enrolled = office.types("asha", "enrol", "--yes")
    assert enrolled.exit_code == 0, enrolled.output
    return office
