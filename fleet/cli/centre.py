"""What the commands on operators and keys share: the centre, and how a push is reported."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fleet.errors import NotProvenError
from reports.terminal import emit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleet.enrolment import Centre
    from fleet.registry import Registry
    from fleet.trust import Told
    from fleet.workspace import Workspace

SCHEMA = 1


@contextmanager
def centre_of(workspace: Workspace) -> Iterator[tuple[Centre, Registry]]:
    """Yield who speaks to the devices of a workspace, and its registry."""
    from fleet.enrolment import Centre
    from fleet.identity import Identity
    from fleet.registry import Registry
    from fleet.transport import transport_of

    settings = workspace.settings()
    identity = Identity.open(workspace)
    with Registry.open(settings.database) as registry:
        transport = transport_of(workspace)
        yield Centre(identity=identity, transport=transport, operator=settings.operator), registry


def tell_relays(workspace: Workspace, centre: Centre, registry: Registry) -> dict[str, list[str]]:
    """Send relays whom to trust; return the prisons whose relays were sent it, and the others."""
    from fleet.cli.desk import to_relays

    return to_relays(workspace, registry, centre.identity, lambda relays: relays.send_news())


def report_push(
    said: Sequence[str], number: int, results: Sequence[Told], /, *, as_json: bool, **further: Any
) -> None:
    """Write what was done and who was told; exit 5 when someone was not.

    `further` has what `tell_relays` returned, and what else there is to answer.
    """
    from fleet.cli.desk import relay_lines
    from fleet.trust import missed, summary

    left = missed(results)
    counts = summary(results)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    lines = [*said, f"trust statement {number}: {told or 'no device is behind'}"]
    lines += relay_lines(further)
    lines += [f"{one.outcome}: {one.device} {one.cell}: {one.why}" for one in left]
    answer = {
        "schema": SCHEMA,
        "trust_statement": number,
        "devices": [asdict(one) for one in results],
        "summary": counts,
        **further,
    }
    emit(answer, as_json=as_json, text="\n".join(lines))
    if left:
        message = f"{len(left)} of {len(results)} devices still hold an older statement"
        raise NotProvenError(message, hint="wingspan fleet keys push, when they are back")
