"""What devices have in common, as its file says it."""

import pytest

from fleet.baseline import read_baseline
from fleet.errors import InputError

WAY = '{ network = "10.1.0.5/32", protocol = "tcp", port = 443 }'


@pytest.fixture
def read(tmp_path):
    """Return a function: what a file with these settings says."""

    def written(management="[]", relay=f"[{WAY}]", program='"/usr/bin/true"'):
        path = tmp_path / "baseline.toml"
        path.write_text(f"kiosk_program = {program}\nmanagement = {management}\nrelay = {relay}\n")
        return read_baseline(path)

    return written


def test_the_playbook_has_what_is_written(read):
    assert read('["10.1.0.0/24"]').variables == {
        "wingspan_kiosk_program": "/usr/bin/true",
        "wingspan_management": ["10.1.0.0/24"],
        "wingspan_relay": [{"network": "10.1.0.5/32", "protocol": "tcp", "port": 443}],
    }


@pytest.mark.parametrize(
    ("management", "relay", "shut_out"),
    [
        ('["10.2.0.0/24"]', WAY, ("10.1.0.5/32",)),
        ('["10.2.0.0/24", "10.1.0.0/24"]', WAY, ()),
        ("[]", WAY, ()),  # Everybody may.
        ('["10.2.0.0/24"]', "", ()),  # Nobody knows where it is.
        # One of two is enough: the other may be a proxy.
        ('["10.1.0.5"]', f'{WAY}, {{ network = "10.9.0.1", protocol = "tcp", port = 80 }}', ()),
        ('["fd00::/8"]', WAY, ("10.1.0.5/32",)),
    ],
)
def test_it_shuts_a_relay_out_where_none_of_its_networks_may_come_in(
    read, management, relay, shut_out
):
    assert read(management, f"[{relay}]").shuts_out == shut_out


def test_what_shuts_a_relay_out_is_refused_with_the_cure(read):
    with pytest.raises(InputError, match="would close the devices of MDI") as refused:
        read('["10.2.0.0/24"]').refuse_to_shut_out("MDI")

    (problem,) = refused.value.problems
    assert (problem.place, problem.cure) == ("management", 'add "10.1.0.5/32"')


def test_every_fault_is_named(tmp_path):
    path = tmp_path / "baseline.toml"
    path.write_text('kiosk_program = 3\nmanagement = ["10.1.0.0/33", "x"]\nrelays = []\n')

    with pytest.raises(InputError) as refused:
        read_baseline(path)

    assert [problem.place for problem in refused.value.problems] == [
        "relays",
        "kiosk_program",
        "management",
        "management",
        "relay",
    ]


@pytest.mark.parametrize(
    "way",
    [
        WAY.replace("10.1.0.5/32", "10.1.0.5/24"),
        WAY.replace("tcp", "icmp"),
        WAY.replace("443", "65536"),
        WAY.replace(", port = 443", ""),
        WAY.replace("port", "ports"),
    ],
)
def test_a_way_that_devices_would_refuse_is_named_before_it_goes_to_them(read, way):
    with pytest.raises(InputError) as refused:
        read(relay=f"[{way}]")

    assert [problem.place for problem in refused.value.problems] == ["relay"]
