"""One cause behind many signs: pure groups."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import causes
from alerts.causes import Build, Open, Seen, Symptom

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def seen(pk, site=1, dark=None, nets=(), organization=1):
    return Seen(pk, organization, site, None if dark is None else ago(dark), tuple(nets))


def kinds(groups):
    return sorted((group.kind, len(group.station_ids)) for group in groups)


def elsewhere(count=20, start=1000):
    return [seen(start + number, site=start + number) for number in range(count)]


def test_three_of_five_are_a_dark_site_and_two_are_not():
    fleet = [seen(1, dark=90), seen(2, dark=80), seen(3, dark=60), seen(4), seen(5), *elsewhere()]
    assert kinds(causes.dark_groups(fleet, [], NOW)) == [("site_dark", 3)]
    assert causes.dark_groups([seen(1, dark=90), seen(2, dark=80), seen(3), *elsewhere()], [], NOW) == []


def test_those_that_were_dark_long_before_neither_count_nor_hinder():
    fleet = [
        *(seen(pk, dark=86_400 * pk) for pk in range(10, 20)),
        *(seen(pk, dark=90) for pk in range(3)),
        *elsewhere(),
    ]
    assert kinds(causes.dark_groups(fleet, [], NOW)) == [("site_dark", 3)]


def test_one_after_the_other_over_a_day_is_no_common_cause():
    fleet = [*(seen(pk, dark=3_600 * pk + 100) for pk in range(5)), *elsewhere()]
    assert causes.dark_groups(fleet, [], NOW) == []


def test_what_is_dark_for_some_seconds_only_may_be_a_flap():
    assert causes.dark_groups([*(seen(pk, dark=10) for pk in range(5)), *elsewhere()], [], NOW) == []


def test_a_network_needs_two_sites_and_the_narrower_name_wins():
    nets = causes.networks("81.2.69.7", "")
    fleet = [*(seen(pk, site=pk % 2 + 1, dark=90, nets=nets) for pk in range(4)), *elsewhere()]
    found = causes.dark_groups(fleet, [], NOW)
    assert [group.word for group in found] == ["81.2.69.7"]
    one_site = [*(seen(pk, dark=90, nets=nets) for pk in range(4)), *elsewhere()]
    assert kinds(causes.dark_groups(one_site, [], NOW)) == [("site_dark", 4)]


def test_an_address_that_most_stations_share_is_a_proxys_and_explains_nothing():
    nets = causes.networks("81.2.69.7", "")
    fleet = [
        *(seen(pk, site=pk, dark=90, nets=nets) for pk in range(6)),
        *(seen(pk, site=pk, nets=nets) for pk in range(10, 14)),
    ]
    assert causes.dark_groups(fleet, [], NOW) == []


@pytest.mark.parametrize(
    ("address", "carrier", "names"),
    [
        ("10.1.2.3", "", ("10.1.2.3", "10.1.2.0/24")),
        ("10.1.2.3", "20408", ("10.1.2.3", "10.1.2.0/24", "sim 20408")),
        ("127.0.0.1", "", ()),
        ("::1", "20408", ("sim 20408",)),
        ("2001:db8:1::5", "", ("2001:db8:1::5", "2001:0db8:0001::/48")),
        ("", "", ()),
        ("rubbish", "", ()),
    ],
)
def test_what_a_link_hangs_on(address, carrier, names):
    assert causes.networks(address, carrier) == names


def test_an_open_group_keeps_its_stations_from_an_equal_one_and_yields_to_a_larger():
    nets = ("n",)
    fleet = [
        *(seen(pk, site=1, dark=100, nets=nets) for pk in range(4)),
        *(seen(pk, site=2, dark=90, nets=nets) for pk in range(10, 13)),
        *elsewhere(),
    ]
    mine = Open("site_dark:1", "site_dark", frozenset(range(4)))
    assert kinds(causes.dark_groups(fleet, [mine], NOW)) == [("network_dark", 7)]
    overlapping = Open("site_dark:9", "site_dark", frozenset({0, 1, 2, 3, 99}))
    fleet.append(seen(99, site=9, dark=100))
    found = causes.dark_groups(fleet, [overlapping], NOW)
    assert ("network_dark", 7) not in kinds(found)


def test_two_organizations_are_never_one_cause():
    fleet = [*(seen(pk, dark=90, organization=pk % 2 + 1) for pk in range(4)), *elsewhere()]
    assert causes.dark_groups(fleet, [], NOW) == []


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.none() | st.integers(0, 400), st.sampled_from(["", "a", "b"])),
        max_size=40,
    )
)
def test_no_station_has_two_causes_and_each_that_is_explained_is_dark(rows):
    fleet = [seen(pk, site, dark, (net,) if net else ()) for pk, (site, dark, net) in enumerate(rows)]
    dark = {one.station_id for one in fleet if one.dark_since}
    groups = causes.dark_groups(fleet, [], NOW)
    taken = [pk for group in groups for pk in group.station_ids]
    assert len(taken) == len(set(taken))
    assert set(taken) <= dark
    assert all(len(group.station_ids) >= causes.LEAST for group in groups)


def builds(count, firmware, start=0, sites=5):
    return [Build(start + pk, 1, pk % sites, firmware) for pk in range(count)]


def ill(*stations):
    return [Symptom(pk, "connector_faulted X", NOW) for pk in stations]


def test_what_was_ill_before_its_firmware_came_is_not_ill_by_it():
    before, after = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    others = builds(20, "V1 1.9", start=100)
    came = [replace(one, since=before) for one in builds(6, "V1 2.0")]
    assert causes.firmware_groups([*came, *others], ill(0, 1, 2, 3))
    late = [replace(one, since=after) if one.station_id < 2 else one for one in came]
    assert causes.firmware_groups([*late, *others], ill(0, 1, 2, 3)) == []
    some = [replace(one, since=after) if one.station_id == 0 else one for one in came]
    [group] = causes.firmware_groups([*some, *others], ill(0, 1, 2, 3))
    assert group.station_ids == {1, 2, 3}


def test_one_firmware_that_is_worse_than_the_others_is_named():
    fleet = [*builds(6, "V1 2.0"), *builds(20, "V1 1.9", start=100)]
    found = causes.firmware_groups(fleet, ill(0, 1, 2, 3))
    assert [(group.word, len(group.station_ids), group.of) for group in found] == [("V1 2.0", 4, 6)]


@pytest.mark.parametrize(
    ("fleet", "sick"),
    [
        ([*builds(6, "V1 2.0"), *builds(20, "V1 1.9", start=100)], ill(0, 1)),  # too few
        ([*builds(6, "V1 2.0", sites=1), *builds(20, "V1 1.9", start=100)], ill(0, 1, 2, 3)),  # one site
        ([*builds(6, "V1 2.0"), *builds(6, "V1 1.9", start=100)], ill(0, 1, 2, 100, 101, 102)),  # both alike
        (builds(9, "V1 2.0"), ill(0, 1, 2, 3)),  # nothing to compare with
        ([*builds(6, ""), *builds(20, "V1 1.9", start=100)], ill(0, 1, 2, 3)),  # nobody knows what runs there
    ],
)
def test_where_chance_explains_it_no_firmware_is_accused(fleet, sick):
    assert causes.firmware_groups(fleet, sick) == []


def test_the_chance_is_fishers():
    assert causes.chance(3, 3, 0, 3) == pytest.approx(0.05)
    assert causes.chance(0, 5, 2, 5) == 1.0
