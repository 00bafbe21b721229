from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.approval import inclusion, is_included, leaf, root

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


def as_the_rfc_has_it(leaves):
    """Return the Merkle Tree Hash of RFC 6962 section 2.1, by its own recursion."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = as_the_rfc_has_it(leaves[:split]), as_the_rfc_has_it(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


@given(LEAVES)
def test_the_root_is_that_of_the_rfc(leaves):
    assert root(leaves) == as_the_rfc_has_it(leaves)


@given(LEAVES)
def test_every_leaf_has_a_proof_and_no_other_leaf_has_it(leaves):
    expected = root(leaves)

    for hashed, proof in zip(leaves, inclusion(leaves), strict=True):
        assert is_included(hashed, proof, expected=expected)
        assert not is_included(sha256(hashed).digest(), proof, expected=expected)


def test_a_proof_for_ninety_thousand_devices_is_seventeen_hashes():
    proofs = inclusion([leaf(f"WS-{n:06d}", f"{n:032x}") for n in range(90_000)])

    assert max(map(len, proofs)) == 17


def test_another_provisioning_is_another_leaf():
    assert leaf("WS-000001", "aa") != leaf("WS-000001", "ab")


def test_a_name_and_a_nonce_do_not_run_together():
    assert leaf("WS-1", "23") != leaf("WS-12", "3")


def test_no_devices_have_no_root():
    with pytest.raises(ValueError, match="no device"):
        root([])
