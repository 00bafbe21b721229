import pytest

RESOLVER = {"network": "198.18.0.1/32", "protocol": "udp", "port": 53}
LEARN = {"host": "learn.example", "protocol": "tcp", "port": 443}
LESSON = {"host": "lesson.learn.example", "protocol": "tcp", "port": 8443}
WANTED = {"level": "open", "management": [], "relay": [RESOLVER], "allowed": [LEARN]}


@pytest.fixture
def lines(names, firewall, tmp_path, monkeypatch):
    """Return a function that gives what dnsmasq reads, line by line, for devices with a clock."""
    clock = tmp_path / "clock.json"
    clock.write_text('{"servers": [["198.18.0.1", 8463], ["time.example", 8463]]}')
    monkeypatch.setattr(firewall, "CLOCK", str(clock))
    return lambda wanted: names.config(wanted).splitlines()


def test_a_listed_name_is_asked_of_the_relay_s_resolver_and_fills_its_sets(lines):
    found = lines(WANTED)

    assert "server=/learn.example/198.18.0.1" in found
    filled = "4#inet#wingspan#hosts4_tcp_443,6#inet#wingspan#hosts6_tcp_443"
    assert f"nftset=/learn.example/{filled}" in found


def test_a_name_below_another_may_do_what_that_one_may(lines):
    (below,) = [
        line
        for line in lines({**WANTED, "allowed": [LEARN, LESSON]})
        if line.startswith("nftset=/lesson.learn.example/")
    ]

    assert "hosts4_tcp_443" in below
    assert "hosts4_tcp_8443" in below


def test_no_name_but_the_clock_s_is_resolved_while_it_is_closed(lines):
    found = lines({**WANTED, "level": "closed"})

    assert [line for line in found if line.startswith("server=")] == [
        "server=/time.example/198.18.0.1"
    ]
    assert not [line for line in found if line.startswith("nftset=")]


def test_a_name_is_within_itself_and_what_it_is_below_and_nothing_else(names):
    assert names.is_within("learn.example", "learn.example")
    assert names.is_within("a.learn.example", "learn.example")
    assert not names.is_within("notlearn.example", "learn.example")
    assert not names.is_within("learn.example", "a.learn.example")


@pytest.mark.parametrize(
    ("relay", "resolver"),
    [
        ([RESOLVER], "198.18.0.1"),
        ([{**RESOLVER, "network": "2001:db8::1/128"}], "2001:db8::1"),
        ([{**RESOLVER, "network": "198.18.0.0/24"}], ""),
        ([{**RESOLVER, "protocol": "tcp"}], ""),
        ([], ""),
    ],
)
def test_the_resolver_is_a_single_machine_that_the_relay_s_ways_lead_to(names, relay, resolver):
    assert names.resolver_of({**WANTED, "relay": relay}) == resolver


def test_the_addresses_of_an_answer_are_read_past_its_aliases(names):
    question = b"\x05learn\x07example\x00\x00\x01\x00\x01"
    alias = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01a\xc0\x12"
    address = b"\xc0\x2b\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xcb\x00\x71\x07"
    head = b"\x00\x01\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"

    assert names.addresses_in(head + question + alias + address, len(head + question)) == [
        "203.0.113.7"
    ]
