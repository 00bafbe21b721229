"""What is free in a distributor that several wings lead to, shared out: none is used twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estate.model import Distributor, Network


def shared_out(networks: Mapping[str, Network], cells: Mapping[str, int]) -> dict[str, Network]:
    """Return the networks of a prison's wings, each with its part of the distributors they share.

    Wings are designed apart. What is free in a distributor that stands, and to which spans of
    several wings lead, is shared by their cells; ports and rack units that do not divide go to
    the wings with the most cells.
    """
    users: defaultdict[str, list[str]] = defaultdict(list)
    for key, network in networks.items():
        for distributor in network.distributors:
            users[distributor.distributor_id].append(key)
    shares = {
        name: _shares({key: cells[key] for key in keys})
        for name, keys in users.items()
        if len(keys) > 1
    }
    return {
        key: replace(
            network,
            distributors=tuple(
                _part(each, shares[each.distributor_id], key)
                if each.distributor_id in shares
                else each
                for each in network.distributors
            ),
        )
        for key, network in networks.items()
    }


def _shares(cells: Mapping[str, int]) -> list[tuple[str, float]]:
    """Return the share of each wing, that of the most cells first."""
    total = sum(cells.values())
    order = sorted(cells, key=lambda key: (-cells[key], key))
    return [(key, cells[key] / total) for key in order]


def _part(distributor: Distributor, shares: Sequence[tuple[str, float]], key: str) -> Distributor:
    power_w = distributor.power_free_w
    return replace(
        distributor,
        ports_free=_whole(distributor.ports_free, shares, key),
        switch_ports_free=_whole(distributor.switch_ports_free, shares, key),
        rack_units_free=_whole(distributor.rack_units_free, shares, key),
        power_free_w=None if power_w is None else round(power_w * dict(shares)[key], 1),
    )


def _whole(count: int | None, shares: Sequence[tuple[str, float]], key: str) -> int | None:
    """Return the part of a wing of what is counted; the parts of all add up to it."""
    if count is None:
        return None
    parts = {wing: int(count * share + 1e-9) for wing, share in shares}
    for wing, _ in shares[: count - sum(parts.values())]:
        parts[wing] += 1
    return parts[key]
