import re

import pytest

from estate.sources.survey_layers import write_survey


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

    assert text.count("access points in cells         serves one cell at most from any place") == 3
    assert text.count("existing pairs                 no pair test of 10 Mbit/s is stated for") == 3
    assert len(re.findall(r"passive optical to each cell +£[\d,]+ more", text)) == 3


def test_what_an_option_would_cost_more_is_told_beside_the_choice(houseblock):
    for landing in houseblock["landings"]:
        more = {o["option"]: o["more_gbp"] for o in landing["options"]}
        assert more[landing["chosen"]] == 0
        assert more[landing["runner_up"]] == pytest.approx(landing["margin_gbp"], abs=0.011)
        assert more["nothing"] is None


def test_a_landing_shows_the_access_points_that_serve_it_wherever_they_hang(shell):
    gallery = shell.answer("estate", "explain", "LEI/T1")
    cells = {f"2-{number:03d}" for number in range(1, 33)}

    answer = shell.answer("estate", "explain", "LEI/T1/2")

    serving = {p["name"] for p in gallery["access_points"] if cells.intersection(p["cells"])}
    hanging = {p["name"] for p in gallery["access_points"] if p["landing"] == 2}
    assert {p["name"] for p in answer["access_points"]} == serving | hanging
    assert serving - hanging


def test_the_access_points_of_a_gallery_keep_their_airtime_once_all_send(shell):
    gallery = shell.answer("estate", "explain", "LEI/T1")

    budget, points = gallery["airtime_budget"], gallery["access_points"]
    assert all(0 < point["busy"] <= budget for point in points)
    assert any(point["busy"] > point["airtime"] * budget for point in points)  # They hear others.
    assert gallery["overloaded"] == gallery["falling_short"] == []


def test_a_prison_says_why_each_dearer_wing_is_dearer(shell):
    text = shell.run("estate", "explain", "LEI").stdout

    for wing in shell.answer("estate", "explain", "LEI")["wings"]:
        assert wing["dearer_because"] in text


def test_a_cell_is_met_with_its_wing(shell):
    said = shell.refusal("estate", "explain", "LEI-T1-2-001").splitlines()

    assert said[1] == "  try: a cell is explained with its landing: ask for LEI/T1"


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


@pytest.fixture
def joined(small, elmley_joined):
    """Return a shell in a planned workspace with a survey whose two wings are joined by a duct."""

    def planned(length_m):
        folder = small.root / "inputs" / "surveys"
        folder.mkdir(exist_ok=True)
        survey = elmley_joined(length_m)
        write_survey(survey, folder / "EYI.gpkg", prison="Elmley (HMP)", marking="OFFICIAL")
        small.answer("estate", "plan")
        return small

    return planned


def test_a_wing_that_is_one_problem_with_another_says_so_and_where_its_cables_end(joined):
    shell = joined(5.0)

    answers = {w: shell.answer("estate", "explain", f"EYI/{w}") for w in ("HB1", "HB2")}

    assert [answers[w]["designed_with"] for w in answers] == [["EYI-HB2"], ["EYI-HB1"]]
    assert answers["HB1"]["distributors"] == answers["HB2"]["distributors"]
    (rack,) = answers["HB1"]["distributors"]
    assert rack["ports"] <= 24
    home, guest = sorted(answers, key=lambda wing: f"EYI-{wing}" != rack["wing"])
    assert answers[home]["distributor"] == "new cabinet in the wing"
    assert answers[guest]["distributor"] == f"new cabinet in EYI-{home}"
    text = shell.run("estate", "explain", f"EYI/{guest}").stdout
    assert f"designed as one with EYI-{home}: cells of it and of EYI-{home} reach" in text


def test_a_wing_that_meets_another_too_far_away_says_how_far(joined):
    shell = joined(200.0)

    answer = shell.answer("estate", "explain", "EYI/HB1")

    assert answer["designed_with"] == []
    assert "designed apart from EYI-HB2, whose containment meets its own" in answer["together"]
    assert (
        "m along it from the nearest cell of one, and a link may have 86.5 m"
        in (answer["together"])
    )


def test_a_prison_whose_ground_is_drawn_says_by_which_ducts_its_wings_are_joined(
    small, elmley_ground
):
    folder = small.root / "inputs" / "surveys"
    folder.mkdir(exist_ok=True)
    write_survey(elmley_ground, folder / "EYI.gpkg", prison="Elmley (HMP)", marking="OFFICIAL")
    small.answer("estate", "plan", "--backbone-ways", "2")

    backbone = small.answer("estate", "explain", "EYI")["backbone"]

    assert [room["wings"] for room in backbone["rooms"]] == [["HB1"], ["HB2"]]
    assert [len(room["routes"]) for room in backbone["rooms"]] == [2, 1]
    text = small.run("estate", "explain", "EYI").stdout
    assert f"between buildings: {backbone['basis']}" in text
    assert "(wing HB1): by round (" in text
    assert "the comms room of wing HB2 has one way alone in what is drawn" in text
    # Which chamber that is stands in the sensitive answer alone.
    assert "chamber of" not in text
    assert "chamber of" in small.run("estate", "explain", "EYI", "--sensitive").stdout
