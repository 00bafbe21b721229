"""The time that devices ask for."""

from __future__ import annotations

from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING

import click

from fleet.cli.command import LoggedGroup
from reports.terminal import complain, emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace

SCHEMA = 1


@click.group("clock", cls=LoggedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def clock() -> None:
    """Tell devices the time; those whose clock is lost could not be reached by SSH.

    \b
    Example:
      wingspan fleet clock serve
    """


@clock.command()
@click.option("--listen", default="0.0.0.0:8463", show_default=True, help="Address and port.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so long.")
@json_option
@click.pass_obj
def serve(workspace: Workspace, listen: str, seconds: float | None, as_json: bool) -> None:
    """Answer devices that ask for the time, until interrupted; each answer is signed for its asker.

    Run it where devices find who enrolled them: at the centre, and on each relay.

    \b
    Example:
      wingspan fleet clock serve
      wingspan fleet clock serve --listen 10.1.0.1:8463
    """
    from fleet.clock import Clock, Server, places
    from fleet.identity import Identity

    where = next(iter(places(listen)))
    with Server(where, Clock.of(Identity.open(workspace))) as server:
        complain(f"telling the time at {listen}")
        if seconds is not None:
            timer = Timer(seconds, server.shutdown)
            timer.daemon = True
            timer.start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()
        answer = {"schema": SCHEMA, "listen": listen, "answers": server.answers}
    emit(answer, as_json=as_json, text=f"{answer['answers']:,} devices were told the time")
