import re

import pytest

from fleet.errors import FleetError
from fleet.identity.certificate import Request, issue
from fleet.identity.keys import make_key, read_private, read_public


@pytest.fixture
def authority(tmp_path):
    make_key(tmp_path / "ca")
    return read_private(tmp_path / "ca")


def request(**changes):
    stated = {"operator": "asha", "purpose": "health", "principals": ["estate"], "minutes": 10}
    return Request(**(stated | changes))


def listed(certificate, keygen, tmp_path):
    (tmp_path / "cert.pub").write_text(certificate)
    return keygen("-L", "-f", tmp_path / "cert.pub")


def test_openssh_reads_who_why_and_for_whom(authority, keygen, tmp_path):
    credential, record = issue(request(principals=["estate", "device-WS-000001"]), authority)
    text = listed(credential.certificate, keygen, tmp_path)

    assert f'Key ID: "asha:health:{record.serial}"' in text
    assert f"Serial: {record.serial}" in text
    assert re.search(r"Principals: \s+estate\s+device-WS-000001\s", text)


def test_it_permits_neither_terminal_nor_forwarding(authority, keygen, tmp_path):
    text = listed(issue(request(), authority)[0].certificate, keygen, tmp_path)

    assert "Extensions: (none)" in text


def test_it_lasts_as_long_as_was_asked(authority):
    _, record = issue(request(minutes=7), authority)

    assert record.ends_s - record.issued_s == 7 * 60


def test_it_may_be_bound_to_where_it_comes_from(authority, keygen, tmp_path):
    credential, _ = issue(request(source_address="10.1.0.0/16"), authority)

    assert "source-address 10.1.0.0/16" in listed(credential.certificate, keygen, tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"principals": []},
        {"principals": [f"device-{n}" for n in range(257)]},
        {"minutes": 0},
        {"minutes": 61},
    ],
)
def test_nobody_too_many_and_too_long_are_refused(authority, changes):
    with pytest.raises(FleetError, match="a certificate"):
        issue(request(**changes), authority)


def test_the_record_names_the_authority(authority, tmp_path):
    assert issue(request(), authority)[1].authority == read_public(tmp_path / "ca")
