"""Ansible's way to the registry: devices under their own names, with pinned keys and groups."""

from __future__ import annotations

from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template
from ansible.utils.vars import load_extra_vars

from fleet.device import REACHABLE_STATES, known_hosts_line
from fleet.errors import FleetError
from fleet.registry import Registry
from fleet.registry.groups import inventory_of
from fleet.scope import Scope
from fleet.workspace import Workspace

DOCUMENTATION = """
name: wingspan
short_description: Devices of a Wingspan registry
description:
  - Lists the devices of a scope under their own names, grouped by place, model, ring, version, and
    by the switch and access point that serve their cells.
  - Pins each device's host key, under its name and never its address, in a known_hosts of this run.
    There is no option to switch that off, and a configuration that does is refused.
options:
  plugin:
    description: The name of this plugin, C(wingspan).
    required: true
    choices: [wingspan]
  workspace:
    description: The workspace, relative to this file; its settings say where the registry is.
    default: .
  scope:
    description:
      - Places, devices and filters, as for C(wingspan fleet list).
      - Without a state, devices that are enrolled, live or quarantined.
    type: list
    elements: str
    default: [estate]
  groups:
    description: The kinds of groups to make.
    type: list
    elements: str
    choices: [prison, wing, landing, model, ring, version, switch, access_point]
    default: [prison, wing, landing, model, ring, version, switch, access_point]
"""

EXAMPLES = """
# wingspan.yml
plugin: wingspan
workspace: ../..
scope: [MDI, ring=canary]
groups: [wing, landing, model]
"""

SSH_PORT = 22
# The first word on a setting counts for ssh, and these come first.
SSH_OPTIONS = (
    "StrictHostKeyChecking=yes",
    "HostKeyAlias={{ inventory_hostname }}",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "HostKeyAlgorithms=ssh-ed25519",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    # A connection kept open goes by its address: the next device there would not be asked.
    "ControlMaster=no",
    "ControlPath=none",
)
# Variables that would take the place of those options.
DECIDED = {
    "ansible_host_key_checking",
    "ansible_ssh_host_key_checking",
    "ansible_ssh_args",
    "ansible_connection",
}


class InventoryModule(BaseInventoryPlugin):
    """The plugin as Ansible finds it."""

    NAME = "wingspan"

    def verify_file(self, path):
        """Return whether a file may be the configuration of this plugin."""
        return super().verify_file(path) and path.endswith(("wingspan.yml", "wingspan.yaml"))

    def parse(self, inventory, loader, path, cache=True):  # noqa: FBT002 - Ansible's signature
        """Fill the inventory with the devices that the configuration names."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        self._refuse_unchecked_keys()
        before = set(self.inventory.groups)
        everything = self.inventory.add_group("wingspan")
        known = Path(constants.DEFAULT_LOCAL_TMP) / "known_hosts"
        try:
            with known.open("w", encoding="ascii") as pinned:
                for device in self._devices(Path(path).parent):
                    self._add(device, everything)
                    if device.host_key:
                        pinned.write(known_hosts_line(device.device, device.host_key))
        except FleetError as error:
            lines = [str(error), *map(str, error.problems), error.hint]
            raise AnsibleParserError("\n  ".join(filter(None, lines))) from error
        made = set(self.inventory.groups) - before
        self.linked = {everything}
        for group in sorted(made):
            self._link(group, everything)
        options = " ".join(
            f"-o {option}" for option in (*SSH_OPTIONS, f"UserKnownHostsFile={known}")
        )
        self.inventory.set_variable(everything, "ansible_ssh_args", trust_as_template(options))
        for name in ("ansible_host_key_checking", "ansible_ssh_host_key_checking"):
            self.inventory.set_variable(everything, name, value=True)

    def _devices(self, folder):
        workspace = Workspace((folder / self.get_option("workspace")).resolve())
        scope = Scope.parse(self.get_option("scope")).in_states(REACHABLE_STATES)
        kinds = self.get_option("groups")
        self.parents = {}
        with (
            Registry.open(workspace.settings().database) as registry,
            registry.reading() as connection,
        ):
            yield from inventory_of(connection, scope, kinds, parents=self.parents)

    def _add(self, device, everything):
        inventory = self.inventory
        for group in device.groups or (everything,):
            if group not in inventory.groups:
                inventory.add_group(group)
            inventory.add_host(device.device, group)
        if device.address:
            inventory.set_variable(device.device, "ansible_host", device.address)
            if device.port != SSH_PORT:
                inventory.set_variable(device.device, "ansible_port", device.port)

    def _link(self, group, everything):
        """Put a group inside its own; after the hosts, each of which would walk that tree."""
        if group not in self.linked:
            self.linked.add(group)
            parent = self.parents.get(group, everything)
            self.inventory.add_group(parent)
            self._link(parent, everything)
            self.inventory.add_child(parent, group)

    def _refuse_unchecked_keys(self):
        if not constants.config.get_config_value("HOST_KEY_CHECKING"):
            raise AnsibleParserError(
                "host key checking is switched off, and a device is known by its key alone\n"
                "  take host_key_checking out of ansible.cfg and ANSIBLE_HOST_KEY_CHECKING out of "
                "the environment"
            )
        decided = DECIDED.intersection(load_extra_vars(self.loader))
        if decided:
            raise AnsibleParserError(
                f"{', '.join(sorted(decided))} cannot be set: the registry decides how a device's "
                "key is checked"
            )
