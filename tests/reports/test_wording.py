import pytest

from reports.wording import pounds


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "£0"),
        (0.4, "£0"),
        (1_234.5, "£1,234"),
        (9_999, "£9,999"),
        (10_000, "£10k"),
        (55_501, "£56k"),
        (999_499, "£999k"),
        (999_500, "£1.0m"),
        (1_234_567, "£1.2m"),
        (1_234_567_890, "£1,234.6m"),
        (-1_234, "-£1,234"),
        (-2_500_000, "-£2.5m"),
    ],
)
def test_an_amount_is_rounded_to_what_a_person_takes_in(amount, words):
    assert pounds(amount) == words
