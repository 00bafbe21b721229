import pkgutil
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

import fleet
from fleet.cli.command import EXITS, FleetGroup
from fleet.errors import FleetError, HostKeyChangedError, InputError, UnreachableError
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
