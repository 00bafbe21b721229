"""Which devices would not do it now, as far as the last sweeps tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fleet.device import DeviceState
from fleet.registry.readings import last_numbers, last_statuses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.device import Device
    from fleet.registry import Registry

_LOOKED_BACK = timedelta(hours=24)


def hindrances(
    registry: Registry, devices: Sequence[Device], *, now: datetime, battery_percent_min: float = 0
) -> dict[str, str]:
    """Return the devices that had better not go first, and why not.

    That is who was silent in the last sweep of the last day, who had too little in the battery
    then, and who is quarantined.
    """
    with registry.reading() as connection:
        statuses = last_statuses(connection, since=now - _LOOKED_BACK)
        charges = last_numbers(connection, "battery_percent", since=now - _LOOKED_BACK)
    found = {}
    for device in devices:
        name = device.device
        status, at = statuses.get(name, ("", now))
        if status == "unreachable":
            found[name] = f"it was silent at {at:%Y-%m-%d %H:%M} UTC"
        elif device.state is DeviceState.QUARANTINED:
            found[name] = "it is quarantined"
        elif charges.get(name, battery_percent_min) < battery_percent_min:
            found[name] = f"its battery had {charges[name]:.0f} %"
    return found
