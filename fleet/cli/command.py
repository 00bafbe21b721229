"""What every fleet command shares: its workspace, its entry in the log, and its exit codes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from fleet.errors import (
    FleetError,
    HostKeyChangedError,
    InputError,
    NotProvenError,
    NotYetError,
    RefusedError,
    SupersededError,
    UnreachableError,
)
from fleet.privacy import without_prison_numbers
from fleet.workspace import Workspace
from reports.faults import ExplainedError
from reports.terminal import Exit, explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.audit import Running

EXITS: dict[type[ExplainedError], Exit] = {
    FleetError: Exit.BAD_INPUT,
    InputError: Exit.BAD_INPUT,
    NotProvenError: Exit.NOT_PROVEN,
    NotYetError: Exit.NOT_PROVEN,
    UnreachableError: Exit.NOT_PROVEN,
    RefusedError: Exit.REFUSED,
    SupersededError: Exit.REFUSED,
    HostKeyChangedError: Exit.REFUSED,
}

INTERRUPTED = "interrupted"

_ENTRY = "fleet.audit entry"
_OUTCOMES = {
    Exit.DONE: "done",
    Exit.OUR_FAULT: "broken",
    Exit.USAGE: "misused",
    Exit.BAD_INPUT: "bad input",
    Exit.NOT_PROVEN: "not proven",
    Exit.REFUSED: "refused",
}
# Parameters that say which devices a command is about, where it does not say so itself.
_SCOPES = ("scope", "device", "devices", "target")
_WHY_LENGTH_MAX = 400


class FleetGroup(click.Group):
    """A group whose commands' errors are explained; it hands them the workspace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command of the group."""
        if isinstance(ctx.obj, Path):
            ctx.obj = Workspace(ctx.obj)
        with explained(ctx, EXITS):
            return super().invoke(ctx)


class FleetCommand(click.Command):
    """A command that touches a device or the registry: one entry in the log, however it ends.

    Its action is its name, its scope what its parameter `scope`, `device`, `devices` or `target`
    holds; a command that knows better says so with `tell`.
    """

    # Whether it may be the first to write in a workspace, as `fleet init` is.
    begins: ClassVar[bool] = False

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command between the beginning and the end of its entry."""
        workspace: Workspace = ctx.obj
        if not (self.begins or workspace.is_begun()):
            return super().invoke(ctx)  # There is nothing here that it could touch.
        with _logged(ctx, workspace):
            return super().invoke(ctx)


class LoggedGroup(click.Group):
    """A group whose commands are each one entry in the log."""

    command_class = FleetCommand


def tell(*, scope: str = "", **detail: Any) -> None:
    """Say in the entry of the command that runs what its scope is, and what else is worth it."""
    running: Running | None = click.get_current_context().meta.get(_ENTRY)
    if running is not None:
        running.scope = without_prison_numbers(scope) or running.scope
        running.detail |= detail


@contextmanager
def _logged(ctx: click.Context, workspace: Workspace) -> Iterator[None]:
    from fleet.audit import AuditLog, begin

    operator = workspace.settings().operator
    action = ctx.command_path.split(maxsplit=1)[-1]
    running = begin(AuditLog(workspace.audit), operator=operator, action=action, scope=_scope(ctx))
    ctx.meta[_ENTRY] = running
    outcome = _OUTCOMES[Exit.OUR_FAULT]
    try:
        yield
        outcome = _OUTCOMES[Exit.DONE]
    except click.exceptions.Exit as ended:
        outcome = _outcome(ended.exit_code)
        raise
    except (KeyboardInterrupt, click.Abort):
        outcome = INTERRUPTED
        raise
    except ExplainedError as error:
        outcome = _outcome(EXITS[type(error)])
        running.detail["why"] = without_prison_numbers(str(error))[:_WHY_LENGTH_MAX]
        raise
    except OSError as error:
        outcome = _outcome(Exit.BAD_INPUT)
        running.detail["why"] = without_prison_numbers(str(error))[:_WHY_LENGTH_MAX]
        raise
    except click.UsageError:
        outcome = _outcome(Exit.USAGE)
        raise
    finally:
        running.end(outcome)


def _outcome(code: int) -> str:
    return _OUTCOMES.get(Exit(code), str(code)) if code in set(Exit) else str(code)


def _scope(ctx: click.Context) -> str:
    given = next((ctx.params[name] for name in _SCOPES if ctx.params.get(name)), "")
    words = given if isinstance(given, tuple | list) else (given,)
    return without_prison_numbers(" ".join(map(str, words)))
