import pkgutil
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

import fleet
from fleet.audit import AuditLog
from fleet.cli import fleet as fleet_group
from fleet.cli.command import EXITS, FleetCommand, FleetGroup, tell
from fleet.errors import FleetError, HostKeyChangedError, InputError, UnreachableError
from fleet.workspace import Workspace
from reports.terminal import Exit


def kinds_of(error):
    """Return an error's class with all those below it."""
    return {error}.union(*(kinds_of(kind) for kind in error.__subclasses__()))


def test_every_error_that_we_can_explain_has_its_exit_code():
    for module in pkgutil.walk_packages(fleet.__path__, "fleet."):
        if "._shipped" not in module.name:
            import_module(module.name)

    assert kinds_of(FleetError) == set(EXITS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("bad"), Exit.BAD_INPUT),
        (UnreachableError("silent"), Exit.NOT_PROVEN),
        (HostKeyChangedError("another"), Exit.REFUSED),
    ],
)
def test_an_error_ends_a_command_with_its_code(error, code):
    @click.group(cls=FleetGroup)
    def group():
        pass

    @group.command()
    def act():
        raise error

    result = CliRunner().invoke(group, ["act"])

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"error: {error}\n"


def commands_of(group, ctx):
    """Yield each command below a group with the words that call it."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {words}", found) for words, found in commands_of(command, ctx))
        else:
            yield name, command


def test_every_command_but_those_about_the_log_is_an_entry_in_it():
    ctx = click.Context(fleet_group)
    unlogged = {
        words
        for words, command in commands_of(fleet_group, ctx)
        if not isinstance(command, FleetCommand)
    }

    assert unlogged == {"audit verify", "audit anchor"}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command of a begun workspace, and its entries in the log."""
    (tmp_path / "audit.jsonl").touch()

    def run(act, *words):
        @click.group(cls=FleetGroup)
        @click.pass_context
        def group(ctx):
            ctx.obj = Workspace(tmp_path)

        @group.command(cls=FleetCommand)
        @click.argument("scope", nargs=-1)
        def do(scope):
            act(scope)

        result = CliRunner(env={"WINGSPAN_OPERATOR": "asha"}).invoke(group, ["do", *words])
        log = AuditLog(tmp_path / "audit.jsonl")
        return result, [(e.operator, e.scope, e.outcome, e.detail) for e in log.entries()]

    return run


def fail(error):
    """Return a command that ends with an error."""

    def act(_scope):
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "outcome", "detail"),
    [
        (lambda _scope: None, "done", {}),
        (fail(InputError("bad")), "bad input", {"why": "bad"}),
        (fail(UnreachableError("silent")), "not proven", {"why": "silent"}),
        (fail(HostKeyChangedError("another")), "refused", {"why": "another"}),
        (fail(click.exceptions.Exit(5)), "not proven", {}),
        (fail(click.UsageError("no")), "misused", {}),
        (fail(KeyboardInterrupt()), "interrupted", {}),
        (fail(OSError("disk full")), "bad input", {"why": "disk full"}),
        (fail(ZeroDivisionError()), "broken", {}),
        (lambda _scope: tell(scope="device:X", devices=3), "done", {"devices": 3}),
    ],
)
def test_a_command_is_one_entry_however_it_ends(run, act, outcome, detail):
    _, entries = run(act, "MDI/A", "ring=canary")

    scope = "device:X" if detail == {"devices": 3} else "MDI/A ring=canary"
    assert entries == [("asha", scope, outcome, detail)]


def test_help_and_wrong_options_are_no_entries(run):
    assert run(fail(AssertionError), "--help")[1] == []
    assert run(fail(AssertionError), "--nothing")[1] == []


def test_a_folder_without_a_fleet_stays_as_it_is(run, tmp_path):
    (tmp_path / "audit.jsonl").unlink()

    run(fail(InputError("no registry")))

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_logged_is_not_done(run, tmp_path):
    (tmp_path / "audit.jsonl.open").touch()  # Where running commands are noted.
    result, _ = run(fail(AssertionError("it was done")))

    assert result.exit_code == Exit.BAD_INPUT
    assert "cannot read or write" in result.stderr
