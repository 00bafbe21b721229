"""`wingspan_update`: one phase of an update on one device, by the device's own programs."""

from __future__ import annotations

import json

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

PYTHON = "/usr/bin/python3 -I -S -E"
PROGRAMS = "/usr/local/lib/wingspan"
INCOMING = "/var/lib/wingspan/incoming"


class ActionModule(ActionBase):
    """Hands an order to the device, or first sends what it lacks; what it says is no proof yet."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        given = self._task.args
        if given["phase"] == "prefetch":
            return result | self._prefetch(given["order"], given["parts"])
        answer = self._said("wingspan_order.py take", given["order"])
        # Whether it is proven is for the controller to judge: it holds the device's key.
        return result | {"changed": "proof" in answer, "answer": answer}

    def _prefetch(self, order, parts):
        answer = self._said("wingspan_prefetch.py missing", order)
        absent = answer.get("missing", [])
        if absent:
            digest = json.loads(order["request"])["parameters"]["bundle_sha256"]
            for number in absent:
                # A part that was cut off comes again.
                self._connection.put_file(parts[number], f"{INCOMING}/{digest}/{number:06d}")
            answer = self._said("wingspan_prefetch.py gather", order)
        return {"changed": bool(absent), "sent": len(absent), "answer": answer}

    def _said(self, command, order):
        """Return what a program of the device says to an order."""
        done = self._low_level_execute_command(
            f"{PYTHON} {PROGRAMS}/{command}", in_data=json.dumps(order).encode()
        )
        try:
            return json.loads(done["stdout"])
        except ValueError as error:
            words = (done["stderr"] or done["stdout"]).strip()
            raise AnsibleError(f"{command} ended with {done['rc']}: {words}") from error
