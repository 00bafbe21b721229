"""Make a device ours, by the same program as `wingspan fleet enrol` streams to it."""

from __future__ import annotations

import json
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: wingspan_enrol
short_description: Make a device ours
description:
  - Runs C(wingspan_trust.py) on the device, which makes the user of the restricted lane, writes the
    device's programs, the settings of sshd and the statement of trust, and has OpenSSH read them
    before they count. A device on which nothing differs is left alone.
options:
  parts:
    description:
      - The parts of C(wingspan_trust.py), name to text, each after those that it imports. The
        device need have nothing beforehand.
    type: dict
    required: true
  order:
    description: What the program is told, as C(wingspan fleet enrol) tells it; no secret is in it.
    type: dict
    required: true
  close:
    description: Let certificates alone open the device from now on, as they did already.
    type: bool
    default: false
author: Wingspan maintainers
"""

EXAMPLES = """
- name: Make the device ours
  wingspan_enrol:
    parts: "{{ wingspan_parts }}"
    order: "{{ wingspan_order }}"
"""

RETURN = """
differed:
  description: What was not as ordered before.
  returned: success
  type: list
number:
  description: The statement of trust that is then in force.
  returned: changed
  type: int
wrong:
  description: Settings that sshd would not follow; the old way in is still open then.
  returned: changed
  type: list
"""

DROP_IN = "/etc/ssh/sshd_config.d/00-wingspan.conf"
TRUST = "/etc/ssh/wingspan/trust.json"
PROVISIONING = "/var/lib/wingspan/provisioning.json"
NAMES = ("device", "prison_id", "nonce")
# The program's parts are the first bytes of the input, the order is the rest.
LOADER = """
import json, sys, types
for name, text in json.loads(sys.stdin.buffer.read({size})).items():
    part = sys.modules[name] = types.ModuleType(name)
    part.__file__ = "/usr/local/lib/wingspan/" + name + ".py"
    exec(compile(text, name, "exec"), part.__dict__)
sys.exit(part.main(sys.argv[1:]))
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "parts": {"type": "dict", "required": True},
            "order": {"type": "dict", "required": True},
            "close": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    order = module.params["order"]
    differed = differing(order)
    if module.check_mode or not differed:
        module.exit_json(changed=bool(differed), differed=differed)
    answer = ordered(module, "enrol", order)
    if module.params["close"]:
        answer = ordered(module, "close", {})
        if answer["wrong"]:
            ordered(module, "reopen", {})
            module.fail_json(msg="; ".join(answer["wrong"]))
    module.exit_json(
        changed=True, differed=differed, number=answer["number"], wrong=answer["wrong"]
    )


def differing(order):
    """Return what on this device is not as the order has it."""
    files = [path for path, (text, _mode) in order["files"].items() if content(path) != text]
    links = [path for path, to in order["links"].items() if not leads(path, to)]
    said = parsed(content(PROVISIONING))
    provisioned = {name: said.get(name) for name in NAMES} == {name: order[name] for name in NAMES}
    others = {
        DROP_IN: content(DROP_IN) is not None,
        TRUST: parsed(content(TRUST)) == order["envelope"],
        PROVISIONING: provisioned,
    }
    return sorted([*files, *links, *(path for path, same in others.items() if not same)])


def content(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def leads(path, target):
    return os.path.islink(path) and os.readlink(path) == target


def parsed(text):
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def ordered(module, word, order):
    """Let the device's program carry out an order; end the task where it refuses."""
    program = json.dumps(module.params["parts"])
    command = ["/usr/bin/python3", "-I", "-c", LOADER.format(size=len(program)), word]
    _status, out, err = module.run_command(
        command, data=program + json.dumps(order), binary_data=True
    )
    answer = parsed(out)
    if "number" not in answer:
        words = answer.get("refused") or (err or out).strip() or "it gave no answer"
        module.fail_json(msg=f"{word}: {words}")
    return answer


if __name__ == "__main__":
    main()
