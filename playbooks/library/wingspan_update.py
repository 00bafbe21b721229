"""Have a device apply a signed update.

Only the description: as with C(raw) and C(fetch), the action plugin of the same name does it all,
since a module's own text would be sent to every device anew, and no budget counts that.
"""

from __future__ import annotations

DOCUMENTATION = """
module: wingspan_update
short_description: Have a device apply a signed update
description:
  - The order is handed to the device's own program, which checks it for itself, applies the bundle
    that it was brought before or goes back, and answers under the device's own key.
options:
  order:
    description: The order for this device; no secret is in it.
    type: dict
    required: true
author: Wingspan maintainers
"""

EXAMPLES = """
- name: Have the device apply the update
  wingspan_update:
    order: "{{ wingspan_order }}"
"""

RETURN = """
answer:
  description: What the device's program said; a proof is under the device's own key.
  returned: always
  type: dict
"""
