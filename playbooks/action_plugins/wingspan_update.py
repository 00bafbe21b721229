"""`wingspan_update`: have one device apply an update, by the device's own program."""

from __future__ import annotations

import json

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

TAKE = "/usr/bin/python3 -I -S -E /usr/local/lib/wingspan/wingspan_order.py take"


class ActionModule(ActionBase):
    """Hands an order to the device; what it says is no proof yet."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        order = json.dumps(self._task.args["order"]).encode()
        done = self._low_level_execute_command(TAKE, in_data=order)
        try:
            answer = json.loads(done["stdout"])
        except ValueError as error:
            words = (done["stderr"] or done["stdout"]).strip()
            raise AnsibleError(f"its program ended with {done['rc']}: {words}") from error
        # Whether it is proven is for the controller to judge: it holds the device's key.
        return result | {"changed": "proof" in answer, "answer": answer}
