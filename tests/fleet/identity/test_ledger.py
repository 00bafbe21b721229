import time

import pytest

from fleet.errors import InputError
from fleet.identity.keys import new_key
from fleet.identity.ledger import KEPT_S, Issued, Ledger, revocation_list

_, ONE = new_key()
_, OTHER = new_key()
NOW_S = int(time.time())


def issued(serial, *, authority=ONE, ends_s=NOW_S + 600):
    return Issued(
        serial=serial,
        authority=authority,
        operator="ben",
        purpose="health",
        issued_s=NOW_S,
        ends_s=ends_s,
    )


def test_certificates_are_read_as_they_were_recorded(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.record(issued(1))
    ledger.record(issued(2**63 - 1))

    assert ledger.issued() == (issued(1), issued(2**63 - 1))


def test_a_last_line_cut_short_is_passed_over(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.record(issued(1))
    with (tmp_path / "issued.jsonl").open("a") as file:
        file.write('{"serial": 2, "auth')

    assert ledger.issued() == (issued(1),)


def test_a_spoilt_line_is_named(tmp_path):
    (tmp_path / "issued.jsonl").write_text("rubbish\n")

    with pytest.raises(InputError, match="line 1"):
        Ledger(tmp_path).issued()


def test_a_certificate_is_revoked_once(tmp_path):
    ledger = Ledger(tmp_path)

    assert (ledger.revoke([issued(1)]), ledger.revoke([issued(1), issued(2)])) == (1, 1)
    assert ledger.revoked() == (issued(1), issued(2))


def test_what_ended_long_ago_leaves_the_list(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.revoke([issued(1, ends_s=NOW_S - KEPT_S - 60)])
    ledger.revoke([issued(2)])

    assert ledger.revoked() == (issued(2),)


def test_openssh_lists_each_authoritys_serials(tmp_path, keygen):
    revoked = [issued(5), issued(3), issued(7, authority=OTHER)]
    (tmp_path / "krl").write_bytes(revocation_list(revoked, number=4))
    text = keygen("-Q", "-l", "-f", tmp_path / "krl")

    assert "KRL version 4" in text
    assert [line for line in text.splitlines() if line.startswith("serial")].count("serial: 7") == 1
    assert text.count("# CA key") == 2


def test_an_empty_list_is_a_list(tmp_path, keygen):
    (tmp_path / "krl").write_bytes(revocation_list([], number=1))

    assert "KRL version 1" in keygen("-Q", "-l", "-f", tmp_path / "krl")
