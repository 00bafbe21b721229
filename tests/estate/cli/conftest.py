"""Running commands as a person does, in a workspace of six prisons."""

import json
import shutil

import pytest
from click.testing import CliRunner

from wingspan import main


class Shell:
    """Runs `wingspan` in a folder."""

    def __init__(self, root):
        self.root = root

    def run(self, *words):
        """Return the result of a command; whatever it did not explain is raised."""
        arguments = ["-C", str(self.root), *map(str, words)]
        result = CliRunner().invoke(main, arguments, prog_name="wingspan")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def answer(self, *words):
        """Return what a command that must succeed answers in JSON, and nothing else."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def refusal(self, *words):
        """Return what a command that must explain bad input writes to stderr."""
        result = self.run(*words)
        assert (result.exit_code, result.stdout) == (3, "")
        assert "Traceback" not in result.stderr
        return result.stderr


@pytest.fixture(autouse=True, scope="session")
def no_settings_in_the_environment():
    """Keep the settings of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SEED", "DRAWS", "APPRAISAL_YEARS", "MARKING", "DIRECTORY", "JOBS"):
            patch.delenv(f"WINGSPAN_{name}", raising=False)
        yield


@pytest.fixture(scope="session")
def shell(tmp_path_factory):
    """Return a shell in a planned workspace of the example, to be read and never changed."""
    shell = Shell(tmp_path_factory.mktemp("example") / "workspace")
    result = CliRunner().invoke(main, ["init", str(shell.root), "--from", "example"])
    assert result.exit_code == 0, result.output
    shell.answer("estate", "plan")
    return shell


@pytest.fixture
def spare(shell, tmp_path):
    """Return a shell in a copy of that workspace, to be changed at will."""
    return Shell(shutil.copytree(shell.root, tmp_path / "workspace"))


@pytest.fixture(scope="session")
def planned_hamlet(hamlet_workspace, tmp_path_factory):
    """Return a shell in a planned workspace of two small prisons, to be read and never changed."""
    root = tmp_path_factory.mktemp("hamlet") / "workspace"
    shell = Shell(shutil.copytree(hamlet_workspace.root, root))
    shell.answer("estate", "plan")
    return shell


@pytest.fixture
def small(planned_hamlet, tmp_path):
    """Return a shell in a copy of that one: all wings are designed anew in a moment."""
    return Shell(shutil.copytree(planned_hamlet.root, tmp_path / "hamlet"))


@pytest.fixture
def nowhere(tmp_path):
    """Return a shell in a folder that is no workspace."""
    return Shell(tmp_path)
