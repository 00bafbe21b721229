"""Ask a device's own program for its facts."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: wingspan_facts
short_description: Ask a device's own program for its facts
description:
  - Runs C(wingspan-device probe) as root and returns what it says, the same facts as a health
    sweep over the broker lane brings. It changes nothing.
options:
  program:
    description: The device's program.
    type: path
    default: /usr/local/bin/wingspan-device
author: Wingspan maintainers
"""

EXAMPLES = """
- name: Ask the device's program
  wingspan_facts:
"""

RETURN = """
facts:
  description: Battery, disk, load, clock, versions, ruleset, kiosk, signal and last boot.
  returned: success
  type: dict
"""


def main():
    module = AnsibleModule(
        argument_spec={"program": {"type": "path", "default": "/usr/local/bin/wingspan-device"}},
        supports_check_mode=True,
    )
    program = module.params["program"]
    status, out, err = module.run_command([program, "probe"], handle_exceptions=False)
    if status != 0:
        words = (err or out).strip()
        module.fail_json(msg=f"{program} probe ended with {status}: {words}")
    try:
        facts = json.loads(out)
    except ValueError as error:
        module.fail_json(msg=f"{program} probe answered no JSON: {error}")
    module.exit_json(changed=False, facts=facts)


if __name__ == "__main__":
    main()
