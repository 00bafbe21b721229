"""Where devices may go: which lists open a way, and which only close some."""

import json

import pytest

from fleet.allowlist import widens

WEB = {"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}
ONE = {"network": "203.0.113.7/32", "protocol": "tcp", "port": 443}
MAIL = {"network": "203.0.113.0/24", "protocol": "tcp", "port": 993}


@pytest.mark.parametrize(
    ("before", "after", "is_wider"),
    [
        ([WEB, MAIL], [MAIL], False),
        ([WEB, MAIL], [MAIL, WEB], False),
        ([WEB], [], False),
        ([], [WEB], True),
        ([WEB], [MAIL], True),
        # A part of a network is another way by name; two people may say so.
        ([WEB], [ONE], True),
    ],
)
def test_a_list_widens_when_it_has_a_way_that_was_not_there(before, after, is_wider):
    assert widens(json.dumps(before), json.dumps(after)) is is_wider
