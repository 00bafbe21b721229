import subprocess
from pathlib import Path

import numpy as np
import pytest

from estate.errors import InputError
from estate.radio import channels as channels_module
from estate.radio.channels import Band, channels, interference_dbm, read_rules
from estate.radio.regdb import Rule, as_csv, rules_of

# Debian's wireless-regdb, as `make test` installs it.
DATABASE = Path("/lib/firmware/regulatory.db")
SHIPPED = Path(channels_module.__file__).with_name("data") / "regulatory_gb.csv"


def by_number(band, width_mhz=20):
    return {channel.number: channel for channel in channels(band, width_mhz=width_mhz)}


def installed_edition():
    command = ["dpkg-query", "--show", "--showformat=${Version}", "wireless-regdb"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return shown.split("-")[0]


def test_the_shipped_rules_are_those_of_the_database_they_name():
    rules = rules_of(DATABASE.read_bytes(), country="GB")
    edition = installed_edition()
    if edition not in read_rules()[0].source:
        # Debian has moved on: the shipped rules still name their own edition.
        assert rules
        return

    assert SHIPPED.read_text(encoding="utf-8") == as_csv(rules, source=read_rules()[0].source)


def test_every_rule_says_which_edition_it_is_from():
    assert {rule.source for rule in read_rules()} == {"wireless-regdb 2026.05.30, country GB"}


@pytest.mark.parametrize(
    ("band", "count"), [(Band.GHZ_2_4, 13), (Band.GHZ_5, 25), (Band.GHZ_6, 24)]
)
def test_the_law_allows_so_many_channels_of_20_mhz(band, count):
    assert len(channels(band, width_mhz=20)) == count


def test_nine_channels_at_5_ghz_need_not_listen_for_radar():
    quiet = [c.number for c in channels(Band.GHZ_5, width_mhz=20) if not c.radar_detection]

    assert quiet == [36, 40, 44, 48, 149, 153, 157, 161, 165]


@pytest.mark.parametrize(
    ("number", "eirp_dbm_max", "indoor_only"),
    [(36, 23.01, True), (52, 20.0, True), (100, 26.98, False), (144, 26.98, False)],
)
def test_the_power_follows_the_frequency(number, eirp_dbm_max, indoor_only):
    channel = by_number(Band.GHZ_5)[number]

    assert channel.eirp_dbm_max == eirp_dbm_max
    assert channel.indoor_only is indoor_only


def test_bonded_channels_stand_where_the_standard_puts_them():
    assert list(by_number(Band.GHZ_5, 80)) == [42, 58, 106, 122, 138, 155]
    assert list(by_number(Band.GHZ_6, 80)) == [7, 23, 39, 55, 71, 87]
    assert by_number(Band.GHZ_5, 40)[38].centre_mhz == 5190
    assert channels(Band.GHZ_2_4, width_mhz=40) == ()


def test_160_mhz_needs_one_rule_that_allows_it():
    assert list(by_number(Band.GHZ_5, 160)) == [114]
    assert list(by_number(Band.GHZ_6, 160)) == [15, 47, 79]


def test_a_rule_limits_the_width_of_what_fits_between_its_frequencies():
    rule = Rule(
        start_mhz=5150,
        end_mhz=5350,
        width_mhz_max=80,
        eirp_dbm_max=20,
        radar_detection=False,
        indoor_only=True,
    )

    assert [c.number for c in channels(Band.GHZ_5, width_mhz=80, rules=[rule])] == [42, 58]
    assert channels(Band.GHZ_5, width_mhz=160, rules=[rule]) == ()


def test_channels_overlap_where_they_share_any_frequency():
    low, wide, next_one = (
        by_number(Band.GHZ_5)[36],
        by_number(Band.GHZ_5, 40)[38],
        by_number(Band.GHZ_5)[40],
    )

    assert low.overlaps(wide)
    assert wide.overlaps(next_one)
    assert not low.overlaps(next_one)


def test_only_others_on_the_channel_interfere_for_their_share_of_time():
    # Three access points, two receivers served by the first and the second.
    at = by_number(Band.GHZ_5)
    signal_dbm = np.array([[-50.0, -70.0], [-60.0, -50.0], [-40.0, -40.0]])

    found = interference_dbm(
        signal_dbm,
        serving=np.array([0, 1]),
        used=[at[36], at[36], at[40]],
        duty=np.array([0.1, 0.5, 1.0]),
    )

    # -60 dBm half of the time is -63; -70 a tenth of it is -80. The third is elsewhere.
    assert found == pytest.approx([-63.01, -80.0], abs=0.01)


def test_alone_on_its_channel_a_receiver_hears_nothing():
    found = interference_dbm(
        np.array([[-50.0]]),
        serving=np.array([0]),
        used=[by_number(Band.GHZ_6)[1]],
        duty=np.ones(1),
    )

    assert found.tolist() == [-300.0]


@pytest.mark.parametrize(
    "database", [b"", b"RGDB\0\0\0\x15" + bytes(20), b"PK\x03\x04" + bytes(20)]
)
def test_bytes_that_are_no_database_are_refused(database):
    with pytest.raises(InputError, match="not a wireless regulatory database"):
        rules_of(database, country="GB")


def test_an_unknown_country_is_named():
    with pytest.raises(InputError, match="'QQ'"):
        rules_of(DATABASE.read_bytes(), country="QQ")
