"""Policies are data: shipped with defaults, laid over by a workspace, every fault named."""

from datetime import date

import pytest

from fleet.errors import InputError
from fleet.health.rules import Policy, read_rules


@pytest.fixture
def overlaid(tmp_path):
    """Return a function that reads the rules under a workspace's own."""

    def read(text):
        (tmp_path / "health.toml").write_text(text, encoding="utf-8")
        return read_rules(tmp_path)

    return read


def test_without_a_file_the_shipped_rules_are_in_force(tmp_path):
    rules = read_rules(tmp_path)

    assert {policy.name for policy in rules.policies} == {
        "battery",
        "boot",
        "clock",
        "dead_man",
        "disk",
        "glass",
        "kiosk",
        "memory",
        "signal",
    }
    assert rules.keeping.keep_daily_days >= 365


def test_a_workspaces_policy_takes_the_place_of_the_shipped_one(overlaid):
    rules = overlaid(
        '[policies.battery]\nfact = "battery_percent"\ncomparison = "below"\nfail = 50\n'
        "since = 2026-12-01\n[policies.memory]\noff = true\n[sweep]\nat_once = 8\n"
    )
    policies = {policy.name: policy for policy in rules.policies}

    assert policies["battery"] == Policy(
        name="battery",
        fact="battery_percent",
        comparison="below",
        since=date(2026, 12, 1),
        fail=50,
    )
    assert "memory" not in policies
    assert (rules.knocking.at_once, rules.knocking.calm_at_once) == (8, 8)


def test_every_fault_is_named_with_its_cure(overlaid):
    with pytest.raises(InputError) as caught:
        overlaid(
            '[policies.a]\nfact = "batery_percent"\ncomparison = "below"\nfail = 1\n'
            'since = 2026-12-01\n[policies.b]\nfact = "kiosk"\ncomparison = "below"\n'
            'since = "today"\nworn = 3\n[policies.c]\nfact = "kiosk"\ncomparison = "not_in"\n'
            'fail = "running"\nsince = 2026-12-01\n[sweep]\nat_onec = 3\nat_once = 0\n[swep]\n'
        )

    assert {str(problem) for problem in caught.value.problems} == {
        "health.toml [policies.a] fact: 'batery_percent' is no fact; did you mean battery_percent?",
        "health.toml [policies.b] since: 'today' is not a day; write since = 2026-11-25",
        "health.toml [policies.b] worn: there is no such key; did you mean warn?",
        "health.toml [policies.b]: it has no limit; give warn, fail or both",
        (
            "health.toml [policies.b] comparison: kiosk cannot be compared by below; "
            "use below, above or beyond for a number, not_in for a text"
        ),
        (
            "health.toml [policies.c] fail: 'running' is not a list of texts; "
            'write a list such as ["running"]'
        ),
        "health.toml [sweep] at_once: 0 is not a number above zero; write a whole number",
        "health.toml [sweep] at_onec: there is no such setting; did you mean at_once?",
        "health.toml [swep]: there is no such section; did you mean sweep?",
    }


def test_a_file_that_is_not_toml_is_named(overlaid):
    with pytest.raises(InputError, match=r"cannot read .*health\.toml"):
        overlaid("[policies")
