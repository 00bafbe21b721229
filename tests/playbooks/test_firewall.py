import json
import subprocess

import pytest

RELAY = {"network": "198.18.0.1/32", "protocol": "tcp", "port": 443}
SITE = {"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}
HOST = {"host": "learn.example", "protocol": "tcp", "port": 443}
WANTED = {"level": "open", "management": ["198.18.0.0/24"], "relay": [RELAY], "allowed": [SITE]}


def in_a_network_of_its_own(script, text):
    """Run a shell script as root in a network namespace of its own, with text on stdin."""
    command = ["unshare", "--net", "sh", "-euc", script]
    finished = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    return finished.stdout


def loaded(text):
    """Return what the kernel lists after it was given a ruleset."""
    return in_a_network_of_its_own("nft -f - && nft -s list ruleset", text)


def test_everything_else_is_dropped_both_ways(firewall):
    listed = loaded(firewall.rules(WANTED))

    assert listed.count("policy drop") == 3


def test_the_kernel_takes_the_rules_and_shows_the_ways_out(firewall):
    listed = loaded(firewall.rules(WANTED))

    assert "ip saddr 198.18.0.0/24 tcp dport 22 accept" in listed
    assert "ip daddr 198.18.0.1 tcp dport 443 accept" in listed
    assert "ip daddr 203.0.113.0/24 tcp dport 443 accept" in listed


def test_closed_leaves_the_relay_alone(firewall):
    listed = loaded(firewall.rules({**WANTED, "level": "closed"}))

    assert "198.18.0.1" in listed
    assert "203.0.113.0" not in listed


def test_loading_twice_leaves_one_set_of_rules(firewall):
    rules = firewall.rules(WANTED)
    once = loaded(rules)

    assert loaded(rules + rules) == once


def test_ipv6_has_its_own_words(firewall):
    six = {"network": "2001:db8::/32", "protocol": "udp", "port": 53}

    listed = loaded(firewall.rules({**WANTED, "management": ["2001:db8::1/128"], "allowed": [six]}))

    assert "ip6 daddr 2001:db8::/32 udp dport 53 accept" in listed
    assert "ip6 saddr 2001:db8::1 tcp dport 22 accept" in listed


def test_without_a_management_network_ssh_is_open_to_all(firewall):
    assert "\t\ttcp dport 22 accept" in firewall.rules({**WANTED, "management": []})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"level": "wide"}, "level 'wide'"),
        ({"management": ["198.18.0.1; drop"]}, "management"),
        ({"management": ["198.18.0.1/24"]}, "host bits set"),
        ({"relay": [{**RELAY, "port": 0}]}, "port 0"),
        ({"relay": [{**RELAY, "port": True}]}, "port True"),
        ({"allowed": [{**SITE, "protocol": "icmp"}]}, "protocol 'icmp'"),
        ({"allowed": [{"network": "203.0.113.0/24"}]}, "needs network, protocol and port"),
        ({"more": 1}, "it has"),
    ],
)
def test_what_is_no_firewall_is_refused(firewall, change, named):
    with pytest.raises(firewall.RefusalError, match=named):
        firewall.rules({**WANTED, **change})


def test_every_fault_is_named_at_once(firewall):
    with pytest.raises(firewall.RefusalError) as caught:
        firewall.rules({**WANTED, "level": "wide", "relay": [{**RELAY, "port": 0}]})

    assert "level 'wide'" in str(caught.value)
    assert "port 0" in str(caught.value)


def test_a_ruleset_that_the_kernel_refuses_changes_nothing(firewall, tmp_path, monkeypatch):
    monkeypatch.setattr(firewall, "STATE", str(tmp_path / "firewall.json"))
    monkeypatch.setattr(firewall, "RULES", str(tmp_path / "nftables.conf"))
    monkeypatch.setattr(firewall, "TABLE", "table inet {{ broken {state}{ssh}{out}")

    with pytest.raises(firewall.RefusalError, match="syntax error"):
        firewall.put_in_force({"level": "closed"})

    assert list(tmp_path.iterdir()) == []


def test_a_change_in_part_keeps_the_rest(firewall, tmp_path, monkeypatch):
    monkeypatch.setattr(firewall, "STATE", str(tmp_path / "firewall.json"))
    monkeypatch.setattr(firewall, "RULES", str(tmp_path / "nftables.conf"))
    monkeypatch.setattr(firewall, "NFT", "/bin/true")
    firewall.put_in_force({"management": ["198.18.0.0/24"]})

    firewall.put_in_force({"level": "closed"})

    kept = json.loads((tmp_path / "firewall.json").read_text())
    assert (kept["management"], kept["level"]) == (["198.18.0.0/24"], "closed")


def test_whoever_tells_the_time_may_always_be_asked(firewall, tmp_path, monkeypatch):
    clock = tmp_path / "clock.json"
    clock.write_text('{"servers": [["198.18.0.1", 8463], ["time.example", 8463]]}')
    monkeypatch.setattr(firewall, "CLOCK", str(clock))

    listed = loaded(firewall.rules({**WANTED, "level": "closed"}))

    assert "ip daddr 198.18.0.1 tcp dport 8463 accept" in listed


def test_a_name_opens_what_its_set_holds_and_nothing_yet(firewall):
    listed = loaded(firewall.rules({**WANTED, "allowed": [HOST]}))

    assert "ip daddr @hosts4_tcp_443 tcp dport 443 accept" in listed
    assert "elements" not in listed


def test_closed_has_no_sets_of_names(firewall):
    assert "hosts4" not in loaded(firewall.rules({**WANTED, "level": "closed", "allowed": [HOST]}))


def test_where_names_are_listed_no_user_may_ask_a_resolver(firewall):
    dns = {"network": "198.18.0.1/32", "protocol": "udp", "port": 53}
    wanted = {**WANTED, "relay": [dns], "allowed": [HOST]}

    for level in firewall.LEVELS:
        listed = loaded(firewall.rules({**wanted, "level": level}))
        (line,) = [line for line in listed.splitlines() if "udp dport 53" in line]
        assert line.strip().startswith("meta skuid")
    without = loaded(firewall.rules({**wanted, "allowed": []}))
    assert "\t\tip daddr 198.18.0.1 udp dport 53 accept" in without


def test_private_networks_are_shut_before_any_name_and_after_listed_networks(firewall):
    inside = {"network": "10.0.0.5/32", "protocol": "tcp", "port": 443}

    listed = loaded(firewall.rules({**WANTED, "allowed": [HOST, inside]}))

    order = [listed.index(part) for part in ("ip daddr 10.0.0.5 ", "10.0.0.0/8", "@hosts4_tcp_443")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "host", ["example", "Learn.example", "a b.example", "x.1", 7, "a..example"]
)
def test_what_is_no_name_is_refused(firewall, host):
    with pytest.raises(firewall.RefusalError, match="is no name of a host"):
        firewall.rules({**WANTED, "allowed": [{**HOST, "host": host}]})


def test_a_relay_goes_by_its_address_alone(firewall):
    with pytest.raises(firewall.RefusalError, match="needs network, protocol and port alone"):
        firewall.rules({**WANTED, "relay": [HOST]})
