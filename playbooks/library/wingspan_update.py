"""Bring a signed update to a device, or have the device apply it."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: wingspan_update
short_description: Bring a signed update to a device, or have the device apply it
description:
  - In the phase C(prefetch) an action plugin of the same name asks the device which parts of the
    bundle it lacks, sends these by sftp at the rate of C(ansible_sftp_extra_args), and has the
    device check the whole. Nothing that the device runs is touched.
  - In the phase C(apply) this module hands the order to the device's own program, which checks it
    for itself, applies the bundle or goes back, and answers under the device's own key.
options:
  phase:
    description: What to do now.
    type: str
    choices: [prefetch, apply]
    required: true
  order:
    description: The order for this device; no secret is in it.
    type: dict
    required: true
  parts:
    description: Files on the controller that make up the bundle, in their order.
    type: list
    elements: path
    default: []
  program:
    description: The device's own program that takes orders.
    type: path
    default: /usr/local/lib/wingspan/wingspan_order.py
author: Wingspan maintainers
"""

EXAMPLES = """
- name: Have the device apply the update
  wingspan_update:
    phase: apply
    order: "{{ wingspan_order }}"
"""

RETURN = """
answer:
  description: What the device's program said, with its proof under the device's own key.
  returned: always
  type: dict
sent:
  description: How many parts of the bundle were sent.
  returned: in the phase prefetch
  type: int
"""


def main():
    module = AnsibleModule(
        argument_spec={
            "phase": {"type": "str", "choices": ["prefetch", "apply"], "required": True},
            "order": {"type": "dict", "required": True},
            "parts": {"type": "list", "elements": "path", "default": []},
            "program": {"type": "path", "default": "/usr/local/lib/wingspan/wingspan_order.py"},
        }
    )
    program = module.params["program"]
    command = ["/usr/bin/python3", "-I", "-S", "-E", program, "take"]
    status, out, err = module.run_command(command, data=json.dumps(module.params["order"]))
    try:
        answer = json.loads(out)
    except ValueError:
        module.fail_json(msg=f"{program} ended with {status}: {(err or out).strip()}")
    # Whether it is proven is for the controller to judge: it holds the device's key.
    module.exit_json(changed="proof" in answer, answer=answer)


if __name__ == "__main__":
    main()
