"""The controller's half of `wingspan_update`: in the phase prefetch it sends what is missing."""

from __future__ import annotations

import json

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

PROGRAM = "/usr/bin/python3 -I -S -E /usr/local/lib/wingspan/wingspan_prefetch.py"
INCOMING = "/var/lib/wingspan/incoming"


class ActionModule(ActionBase):
    """Sends the parts of a bundle; whatever else there is to do, the module does on the device."""

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        given = self._task.args
        if given["phase"] != "prefetch":
            arguments = {name: given[name] for name in ("phase", "order")}
            return result | self._execute_module(
                module_name="wingspan_update", module_args=arguments, task_vars=task_vars
            )
        answer = self._said("missing", given["order"])
        absent = answer.get("missing", [])
        if absent:
            digest = json.loads(given["order"]["request"])["parameters"]["bundle_sha256"]
            for number in absent:
                # At the rate of ansible_sftp_extra_args; a part that was cut off comes again.
                path = f"{INCOMING}/{digest}/{number:06d}"
                self._connection.put_file(given["parts"][number], path)
            answer = self._said("gather", given["order"])
        return result | {"changed": bool(absent), "sent": len(absent), "answer": answer}

    def _said(self, command, order):
        """Return what the device's program says to an order."""
        done = self._low_level_execute_command(
            f"{PROGRAM} {command}", in_data=json.dumps(order).encode()
        )
        try:
            return json.loads(done["stdout"])
        except ValueError as error:
            words = (done["stderr"] or done["stdout"]).strip()
            raise AnsibleError(f"{PROGRAM} {command} ended with {done['rc']}: {words}") from error
