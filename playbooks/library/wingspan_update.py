"""Bring a signed update to a device, or have the device apply it.

Only the description: as with C(raw) and C(fetch), the action plugin of the same name does it all,
since a module's own text would be sent to every device anew, and no budget counts that.
"""

from __future__ import annotations

DOCUMENTATION = """
module: wingspan_update
short_description: Bring a signed update to a device, or have the device apply it
description:
  - In the phase C(prefetch) the device is asked which parts of the bundle it lacks; these are sent
    by sftp, and the device checks the whole. Nothing that it runs is touched.
  - In the phase C(apply) the order is handed to the device's own program, which checks it for
    itself, applies the bundle or goes back, and answers under the device's own key.
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
  description: What the device's program said; a proof is under the device's own key.
  returned: always
  type: dict
sent:
  description: How many parts of the bundle were sent.
  returned: in the phase prefetch
  type: int
"""
