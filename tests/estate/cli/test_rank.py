import pytest


@pytest.fixture(scope="module")
def answer(shell):
    return shell.answer("estate", "rank")


def test_the_ranking_has_the_promised_fields(answer):
    promised = {"rank", "prison_id", "name", "score", "readiness", "cells", "capital_gbp", "grade"}

    assert answer["schema"] == 1
    for ranked in answer["ranking"]:
        assert promised <= ranked.keys()
        assert ranked["capital_gbp"].keys() == {"low", "likely", "high"}
        assert ranked["grade"] in "ABCD"


def test_the_ranks_run_from_one_and_the_scores_fall(answer):
    ranks = [ranked["rank"] for ranked in answer["ranking"]]
    scores = [ranked["score"] for ranked in answer["ranking"]]

    assert ranks == [1, 2, 3, 4, 5]
    assert scores == sorted(scores, reverse=True)
    assert all(low <= high for low, high in (r["rank_range"] for r in answer["ranking"]))


def test_a_prison_without_a_rank_is_listed_with_the_reason(answer):
    assert answer["unranked"] == [
        {
            "prison_id": "FYI",
            "name": "Feltham (HMYOI)",
            "reason": "its capacity is reported inside FMI's",
        }
    ]


def test_the_text_has_a_line_for_each_prison_in_order(shell, answer):
    lines = shell.run("estate", "rank").stdout.splitlines()

    assert lines[0] == f"plan {answer['plan_id']}"
    assert [line.split()[2] for line in lines[2:]] == [r["prison_id"] for r in answer["ranking"]]
