import pytest

from fleet.bundle import Rules, parameters_of
from fleet.errors import InputError


def test_a_request_names_the_whole_file_and_the_rules(make):
    made = make()

    parameters = parameters_of(made, Rules(battery_percent_min=30, charger=True))

    assert parameters["bundle_sha256"] == made.sha256
    assert (parameters["battery_percent_min"], parameters["charger"]) == (30, True)


def test_every_rule_that_is_none_is_named():
    with pytest.raises(InputError) as caught:
        Rules(battery_percent_min=101, window_start_s=-1, deadline_s=5)
    assert [problem.file for problem in caught.value.problems] == [
        "battery_percent_min",
        "window_start_s",
        "deadline_s",
    ]
