import re

import pytest


@pytest.fixture(scope="module")
def leeds(shell):
    return shell.answer("estate", "explain", "LEI")


@pytest.fixture(scope="module")
def houseblock(shell):
    return shell.answer("estate", "explain", "EYI/HB1")


def test_a_prison_is_explained_by_the_promised_fields(leeds):
    assert {"schema", "prison_id", "rank", "rank_range", "terms", "moves_up"} <= leeds.keys()
    assert leeds["prison_id"] == "LEI"
    low, high = leeds["rank_range"]
    assert 1 <= low <= leeds["rank"] <= high <= 5
    for term in leeds["terms"]:
        assert {"term", "value", "weight", "contribution", "grade", "source"} <= term.keys()
        assert term["source"]
        assert term["grade"] in "ABCD"


def test_the_contributions_sum_to_the_score(shell):
    for ranked in shell.answer("estate", "rank")["ranking"]:
        explained = shell.answer("estate", "explain", ranked["prison_id"])
        contributions = sum(term["contribution"] for term in explained["terms"])
        assert contributions == pytest.approx(explained["score"], abs=1e-6)
        assert explained["score"] == ranked["score"]


def test_each_contribution_is_its_value_times_its_weight(leeds):
    for term in leeds["terms"]:
        product = term["value"] * term["weight"]
        assert term["contribution"] == pytest.approx(product, abs=1e-5)


def test_what_would_move_a_prison_up_gives_it_a_better_rank(shell):
    explained = [shell.answer("estate", "explain", place) for place in ("MDI", "EYI", "FMI")]

    moves = [(answer["rank"], move["rank"]) for answer in explained for move in answer["moves_up"]]
    assert moves
    assert all(after < before for before, after in moves)


def test_a_prison_that_is_not_ranked_is_explained_by_the_reason(shell):
    answer = shell.answer("estate", "explain", "FYI")

    assert (answer["rank"], answer["terms"]) == (None, [])
    assert answer["excluded"] == "its capacity is reported inside FMI's"
    assert "not ranked or priced: its capacity" in shell.run("estate", "explain", "FYI").stdout


def test_the_text_shows_the_sum_term_by_term(shell, leeds):
    text = shell.run("estate", "explain", "lei").stdout

    low, high = leeds["rank_range"]
    assert re.search(rf"\brank {leeds['rank']}\b.*P5–P95 {low}–{high}\b", text)
    for term in leeds["terms"]:
        assert term["term"] in text
        assert term["source"] in text


def test_a_wing_is_explained_by_the_options_of_each_landing(houseblock):
    assert (houseblock["wing"], houseblock["cells"]) == ("EYI-HB1", 114)
    assert [landing["cells"] for landing in houseblock["landings"]] == [38, 38, 38]
    for landing in houseblock["landings"]:
        options = {option["option"]: option for option in landing["options"]}
        assert list(options) == [
            "outlet_per_cell",
            "access_points_in_cells",
            "access_points_on_landing",
            "passive_optical",
            "existing_pairs",
            "nothing",
        ]
        offered = sorted(o["whole_life_cost_gbp"] for o in options.values() if o["offered"])
        assert options[landing["chosen"]]["whole_life_cost_gbp"] == offered[0]
        assert landing["margin_gbp"] == pytest.approx(offered[1] - offered[0], abs=0.011)
        assert all(option["reason"] for option in options.values() if not option["offered"])


def test_a_wing_says_what_was_assumed_and_which_rules_made_its_design(houseblock):
    assert "construction" in houseblock["assumed"]
    assert houseblock["grade"] == "C"
    assert houseblock["rules"]


def test_the_text_of_a_wing_says_why_each_option_lost(shell):
    text = shell.run("estate", "explain", "eyi/hb1").stdout

    assert text.count("access_points_in_cells     serves one cell at most from any place") == 3
    assert text.count("existing_pairs             no pair test of 10 Mbit/s is stated for") == 3
    assert text.count("cheaper than passive_optical") == 3


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("LEX", ["error: the plan has no prison LEX", "  try: did you mean LEI?"]),
        ("Leeds", ["error: the plan has no prison Leeds", "  try: did you mean LEI?"]),
        ("QQQ", ["error: the plan has no prison QQQ", "  try: estate rank lists them"]),
    ],
)
def test_a_prison_that_is_not_there_is_met_with_the_nearest(shell, place, said):
    assert shell.refusal("estate", "explain", place).splitlines() == said


def test_a_wing_that_is_not_there_is_met_with_those_that_are(shell):
    lines = shell.refusal("estate", "explain", "EYI/HB9").splitlines()

    assert lines[0] == "error: Elmley (HMP & YOI) has no wing HB9"
    assert lines[1].startswith("  try: its wings: HB1, HB2, HB3")


def test_a_landing_is_explained_alone(shell, houseblock):
    answer = shell.answer("estate", "explain", "EYI/HB1/2")

    assert answer["landings"] == [houseblock["landings"][1]]


def test_a_landing_that_is_not_there_is_refused_with_those_that_are(shell):
    lines = shell.refusal("estate", "explain", "EYI/HB1/4").splitlines()

    assert lines[0] == "error: wing HB1 has no landing 4"
    assert "1 to 3" in lines[1]
