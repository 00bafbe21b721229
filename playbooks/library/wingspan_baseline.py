"""Put the baseline of the fleet in force on a device."""

from __future__ import annotations

import json
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: wingspan_baseline
short_description: Put the baseline of the fleet in force on a device
description:
  - Brings the device's own programs up to date, then runs C(wingspan_baseline.py) there, which sets
    kiosk, firewall, time and updates in one go and answers what differed.
options:
  programs:
    description: The device's programs, name to text; written before anything is run.
    type: dict
    required: true
  folder:
    description: Where the programs are.
    type: path
    default: /usr/local/lib/wingspan
  management:
    description: Networks that may open SSH on the device; all, where none is named.
    type: list
    elements: str
    default: []
  relay:
    description: Where the device may always go; each has a network, a protocol and a port.
    type: list
    elements: dict
    default: []
  kiosk_program:
    description: The one program that a resident sees, with its full path.
    type: str
    required: true
  confirm_within_s:
    description:
      - Seconds after which the device takes a changed firewall back, unless whoever comes in anew
        confirms it (C(wingspan_firewall.py confirm)).
    type: int
    default: 300
author: Wingspan maintainers
"""

EXAMPLES = """
- name: Put the baseline in force
  wingspan_baseline:
    programs: "{{ wingspan_programs }}"
    management: [198.18.0.0/24]
    relay:
      - {network: 198.18.0.1/32, protocol: tcp, port: 443}
    kiosk_program: /usr/bin/chromium --kiosk https://start.prison.example
"""

RETURN = """
trial:
  description: Whether the firewall waits to be confirmed.
  returned: success
  type: bool
differed:
  description: What was not as wanted before.
  returned: success
  type: list
ruleset:
  description: The firewall's rules as the kernel then has them.
  returned: success
  type: str
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "dict", "required": True},
            "folder": {"type": "path", "default": "/usr/local/lib/wingspan"},
            "management": {"type": "list", "elements": "str", "default": []},
            "relay": {"type": "list", "elements": "dict", "default": []},
            "kiosk_program": {"type": "str", "required": True},
            "confirm_within_s": {"type": "int", "default": 300},
        }
    )
    given = module.params
    changed = write_programs(given["folder"], given["programs"])
    wanted = {
        "management": given["management"],
        "relay": [{**to, "port": int(to["port"])} for to in given["relay"]],
        "kiosk": {"program": given["kiosk_program"]},
        "confirm_within_s": given["confirm_within_s"],
    }
    program = os.path.join(given["folder"], "wingspan_baseline.py")
    command = ["/usr/bin/python3", "-I", "-S", "-E", program]
    status, out, err = module.run_command(command, data=json.dumps(wanted))
    try:
        answer = json.loads(out)
    except ValueError:
        module.fail_json(msg=f"{program} ended with {status}: {(err or out).strip()}")
    if status != 0 or answer.get("left"):
        words = answer.get("refused") or f"still not as wanted: {', '.join(answer['left'])}"
        module.fail_json(msg=words, **answer)
    differed = [*changed, *answer["changed"]]
    shown = {name: answer[name] for name in ("ruleset", "trial")}
    module.exit_json(changed=bool(differed), differed=differed, **shown)


def write_programs(folder, programs):
    """Write the programs that differ, each aside and then renamed; return their names."""
    changed = []
    os.makedirs(folder, mode=0o755, exist_ok=True)
    for name, text in sorted(programs.items()):
        path = os.path.join(folder, os.path.basename(name))
        try:
            with open(path, encoding="utf-8") as file:
                same = file.read() == text
        except FileNotFoundError:
            same = False
        if not same:
            aside = f"{path}.new"
            with open(aside, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(aside, 0o755)  # noqa: S103 - programs that the broker lane's user runs too
            os.replace(aside, path)
            changed.append(path)
    return changed


if __name__ == "__main__":
    main()
