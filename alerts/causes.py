"""One cause behind many signs. Pure: the fleet as it stands in, groups out; no Django.

Dark together means: within TOGETHER of each other. A group needs SHARE of those that could have gone dark: those that
had a link when it began. A group that is open already keeps its stations and takes in what joins it; only a larger
cause that explains all of them takes them over, so two causes never steal each other's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from math import comb
from typing import Final

TOGETHER: Final = timedelta(minutes=2)
SEEN_FOR: Final = timedelta(seconds=20)  # dark for less may be a flap
SHARE: Final = 60  # % of a site or a network
LEAST: Final = 3  # stations
EVERYTHING: Final = 50  # % of all stations of an organization
LEAST_OF_EVERYTHING: Final = 10
PROXY: Final = 50  # %: an address that more stations than this share is a proxy's, and says nothing
UNLIKELY: Final = 0.01  # that other stations are as bad as those of one firmware

SITE, NETWORK, EVERYWHERE, FIRMWARE = "site_dark", "network_dark", "many_dark", "firmware_trouble"


@dataclass(frozen=True, slots=True)
class Seen:
    """A station as the causes see it. `dark_since`: None while online. `networks`: what its link hangs on."""

    station_id: int
    organization_id: int
    site_id: int | None
    dark_since: datetime | None
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """`station_ids` went dark together; `of` could have. `word`: the network, or what the firmware shows."""

    kind: str
    key: str
    organization_id: int
    site_id: int | None
    station_ids: frozenset[int]
    since: datetime
    of: int
    word: str = ""


@dataclass(frozen=True)
class Open:
    """A group that is an incident already."""

    key: str
    kind: str
    station_ids: frozenset[int]


def networks(address: str, carrier: str) -> tuple[str, ...]:
    """What stations share: their address, its neighbourhood, the operator of their SIM. Loopback says nothing."""
    found = [f"sim {carrier}"] if carrier else []
    try:
        ip = ip_address(address)
    except ValueError:
        return tuple(found)
    if ip.is_loopback or ip.is_unspecified:
        return tuple(found)
    if ip.version == 4:
        return (str(ip), f"{address.rsplit('.', 1)[0]}.0/24", *found)
    return (str(ip), ":".join(ip.exploded.split(":")[:3]) + "::/48", *found)


def dark_groups(fleet: Iterable[Seen], standing: Sequence[Open], now: datetime) -> list[Group]:
    """The causes behind what is dark, per organization. What no group explains speaks for itself."""
    by_organization: dict[int, list[Seen]] = defaultdict(list)
    for one in fleet:
        by_organization[one.organization_id].append(one)
    found: list[Group] = []
    for organization_id, stations in by_organization.items():
        dark = {one.station_id: one for one in stations if one.dark_since and now - one.dark_since >= SEEN_FOR}
        if len(dark) >= LEAST:
            found += _of_organization(organization_id, stations, dark, standing)
    return found


def _of_organization(
    organization_id: int, stations: Sequence[Seen], dark: Mapping[int, Seen], standing: Sequence[Open]
) -> list[Group]:
    candidates = _candidates(organization_id, stations, dark)
    free = set(dark)
    kept = [each for each in standing if each.station_ids & free]
    chosen: list[Group] = []
    for group in sorted(candidates, key=_rank):
        rivals = [each for each in kept if each.key != group.key and not _swallows(group, each, dark)]
        taken = frozenset().union(*(each.station_ids for each in rivals)) if rivals else frozenset()
        mine = (group.station_ids & free) - taken
        again = any(each.key == group.key for each in kept)
        if len(mine) >= (1 if again else LEAST) and (again or _enough(group, mine)):
            chosen.append(replace(group, station_ids=mine))
            free -= mine
    return chosen


def _rank(group: Group) -> tuple[int, int, bool, str]:
    """Who explains most comes first; of equals the narrower."""
    narrow = {SITE: 0, NETWORK: 1, EVERYWHERE: 2}
    return -len(group.station_ids), narrow[group.kind], "/" in group.word, group.key


def _swallows(group: Group, other: Open, dark: Mapping[int, Seen]) -> bool:
    """Is this a larger cause that explains all that the other one does?"""
    still = other.station_ids & set(dark)
    return still < group.station_ids


def _enough(group: Group, mine: frozenset[int] | set[int]) -> bool:
    """With what others have taken away it must still be worth its name."""
    share = EVERYTHING if group.kind == EVERYWHERE else SHARE
    return len(mine) * 100 >= share * group.of


def _candidates(organization_id: int, stations: Sequence[Seen], dark: Mapping[int, Seen]) -> list[Group]:
    sites: dict[int, list[Seen]] = defaultdict(list)
    nets: dict[str, list[Seen]] = defaultdict(list)
    for one in stations:
        if one.site_id:
            sites[one.site_id].append(one)
        for name in one.networks:
            nets[name].append(one)
    found = [
        _cluster(SITE, f"site_dark:{site}", organization_id, members, dark, site_id=site)
        for site, members in sites.items()
    ]
    for name, members in nets.items():
        if len(members) * 100 <= PROXY * len(stations) or name.startswith("sim "):
            group = _cluster(
                NETWORK, f"network_dark:{organization_id}:{name}", organization_id, members, dark, word=name
            )
            found.append(group if group and _sites_of(group, dark) >= 2 else None)
    if len(dark) >= LEAST_OF_EVERYTHING:
        whole = _cluster(EVERYWHERE, f"many_dark:{organization_id}", organization_id, stations, dark)
        found.append(whole if whole and _sites_of(whole, dark) >= 3 else None)
    return [group for group in found if group is not None]


def _sites_of(group: Group, dark: Mapping[int, Seen]) -> int:
    return len({dark[pk].site_id for pk in group.station_ids})


def _cluster(
    kind: str, key: str, organization_id: int, members: Sequence[Seen], dark: Mapping[int, Seen],
    site_id: int | None = None, word: str = "",
) -> Group | None:  # fmt: skip
    """The most that went dark within TOGETHER, when they are enough of those that had a link until then."""
    moments = sorted((one.dark_since, one.station_id) for one in members if one.station_id in dark and one.dark_since)
    if len(moments) < LEAST:
        return None
    begin, count = _busiest([at for at, _pk in moments])
    alive = sum(1 for one in members if one.dark_since is None or one.dark_since >= begin)
    share, least = (EVERYTHING, LEAST_OF_EVERYTHING) if kind == EVERYWHERE else (SHARE, LEAST)
    if count < least or count * 100 < share * alive:
        return None
    joins = kind != EVERYWHERE  # what follows at a dark site, or behind a dark link, has the same cause
    ids = frozenset(pk for at, pk in moments if begin <= at and (joins or at <= begin + TOGETHER))
    return Group(kind, key, organization_id, site_id, ids, begin, alive, word)


def _busiest(moments: Sequence[datetime]) -> tuple[datetime, int]:
    """(its beginning, how many) of the fullest stretch of TOGETHER; of equals the latest. `moments` are sorted."""
    best, first = (moments[0], 0), 0
    for last, at in enumerate(moments):
        while at - moments[first] > TOGETHER:
            first += 1
        if last - first + 1 >= best[1]:
            best = (moments[first], last - first + 1)
    return best


# One firmware ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Build:
    """A station with what runs on it."""

    station_id: int
    organization_id: int
    site_id: int | None
    firmware: str  # maker, model and version; "" when unknown
    since: datetime | None = None  # when it came; None: nobody saw it come


@dataclass(frozen=True, slots=True)
class Symptom:
    """A trouble that lasts at a station; `word` says which (kind, and the error's code)."""

    station_id: int
    word: str
    since: datetime


def firmware_groups(fleet: Iterable[Build], symptoms: Iterable[Symptom]) -> list[Group]:
    """Stations of one firmware with one symptom, at two sites or more, where chance does not explain that the others
    are better (Fisher's exact test, one-sided). Without any other firmware to compare with nothing is said. What was
    ill before its firmware came is not ill by it: it counts as healthy.
    """
    builds = {one.station_id: one for one in fleet}
    sick: dict[tuple[int, str], dict[int, datetime]] = defaultdict(dict)
    for symptom in symptoms:
        build = builds.get(symptom.station_id)
        if build and (build.since is None or symptom.since >= build.since):
            sick[build.organization_id, symptom.word][symptom.station_id] = symptom.since
    found = []
    for (organization_id, word), since in sick.items():
        for firmware in sorted({builds[pk].firmware for pk in since} - {""}):
            group = _firmware_group(organization_id, word, firmware, since, builds)
            if group:
                found.append(group)
    return found


def _firmware_group(
    organization_id: int, word: str, firmware: str, since: Mapping[int, datetime], builds: Mapping[int, Build]
) -> Group | None:
    mine = [one for one in builds.values() if one.organization_id == organization_id and one.firmware == firmware]
    others = [one for one in builds.values() if one.organization_id == organization_id and one.firmware != firmware]
    ill = [one for one in mine if one.station_id in since]
    ill_others = sum(1 for one in others if one.station_id in since)
    if len(ill) < LEAST or len({one.site_id for one in ill}) < 2:
        return None
    if not others or chance(len(ill), len(mine), ill_others, len(others)) >= UNLIKELY:
        return None
    ids = frozenset(one.station_id for one in ill)
    key = f"firmware:{organization_id}:{firmware}:{word}"
    return Group(FIRMWARE, key, organization_id, None, ids, min(since[pk] for pk in ids), len(mine), firmware)


def chance(ill: int, mine: int, ill_others: int, others: int) -> float:
    """How likely is it that at least `ill` of all the ill are among `mine`, when both are equally good?"""
    all_ill, every = ill + ill_others, mine + others
    ways = sum(comb(mine, k) * comb(others, all_ill - k) for k in range(ill, min(all_ill, mine) + 1))
    return ways / comb(every, all_ill)
