import json

import pytest
from click.testing import CliRunner

from tests.estate.cli.conftest import Shell
from tests.project.test_documentation import undocumented
from wingspan import main

DESTINATIONS = """\
tier,prison_id,host,network,protocol,port,service,approved_by,approved_on,expires_on
standard,,learn.example.org,,tcp,443,learning,Ruth,2026-01-02,2999-12-31
"""


@pytest.fixture
def spare(tmp_path):
    """Return a shell in a workspace without a plan, which lists do not need."""
    root = tmp_path / "workspace"
    made = CliRunner().invoke(main, ["init", str(root), "--from", "example"])
    assert made.exit_code == 0, made.output
    return Shell(root)


def test_lists_are_compiled_for_the_fleet(spare):
    (spare.root / "inputs" / "destinations.csv").write_text(DESTINATIONS)
    (spare.root / "inputs" / "tiers.csv").write_text("place,tier\nMDI,standard\n")

    answer = spare.answer("estate", "allowlists")

    assert not undocumented(answer)
    assert answer["lists"] == [
        {"prison_id": "", "tier": "standard", "destinations": 1, "expires_on": "2999-12-31"}
    ]
    assert answer["places"] == [{"place": "MDI", "tier": "standard"}]
    written = json.loads((spare.root / "out" / "allowlists.json").read_text())
    assert (written["schema"], len(written["lists"])) == (1, 1)


def test_a_fault_leaves_the_lists_that_stand(spare):
    (spare.root / "inputs" / "destinations.csv").write_text(DESTINATIONS.replace(",443,", ",0,"))
    (spare.root / "inputs" / "tiers.csv").write_text("place,tier\nMDI,standard\n")
    path = spare.root / "out" / "allowlists.json"
    path.write_text("as it was")

    assert "port is '0'" in spare.refusal("estate", "allowlists")
    assert path.read_text() == "as it was"


def test_a_check_of_the_inputs_names_what_is_wrong_with_destinations_too(spare):
    (spare.root / "inputs" / "destinations.csv").write_text(DESTINATIONS.replace(",443,", ",0,"))
    (spare.root / "inputs" / "tiers.csv").write_text("place,tier\nMDI,standard\n")

    result = spare.run("estate", "check")

    assert result.exit_code == 3
    assert "port is '0'" in result.stdout
