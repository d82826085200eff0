"""Trouble with the link: dark, unstable, booting again and again, a wrong clock."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from alerts.vocabulary import IncidentKind
from stations import fleet
from stations.fleet import Standing

from .finding import Finding, View


def offline(view: View) -> Iterator[Finding]:
    """Dark stations. After our own absence each gets as long to come back as if it had gone dark then."""
    back = view.gateways_since
    for station in view.stations.values():
        if station.dark_since is None:
            continue
        since = max(station.dark_since, back) if back else station.dark_since
        yield view.at_station(
            IncidentKind.STATION_OFFLINE,
            f"station_offline:{station.id}",
            station,
            _("%(station)s is offline") % {"station": station.label},
            since,
            since=station.dark_since.isoformat(),
        )


def flapping(view: View) -> Iterator[Finding]:
    kind = IncidentKind.LINK_FLAPPING
    least = view.book.least_threshold(kind)
    for pk, moments in fleet.links_opened(since=view.now - view.book.longest(kind), least=least).items():
        station = view.stations.get(pk)
        if station is None:
            continue
        setting = view.setting(kind, station)
        within = [at for at in moments if at >= view.now - setting.duration]
        if len(within) >= setting.threshold:
            title = _("The link of %(station)s is unstable") % {"station": station.label}
            yield view.at_station(kind, f"link_flapping:{pk}", station, title, within[0])


def boot_loop(view: View) -> Iterator[Finding]:
    kind = IncidentKind.BOOT_LOOP
    longest = view.now - view.book.longest(kind)
    lately = [one.id for one in view.stations.values() if one.booted_at and one.booted_at >= longest]
    for pk, moments in fleet.boots(lately, since=longest).items():
        station = view.stations[pk]
        setting = view.setting(kind, station)
        within = [at for at in moments if at >= view.now - setting.duration]
        if len(within) >= setting.threshold:
            title = _("%(station)s boots again and again") % {"station": station.label}
            yield view.at_station(kind, f"boot_loop:{pk}", station, title, within[0], symptom=kind)


def clock_skew(view: View) -> Iterator[Finding]:
    kind = IncidentKind.CLOCK_SKEW
    for station in view.stations.values():
        if not station.online or not clock_is_wrong(view, station):
            continue
        off = abs(station.skew_ms or 0) // 1000
        title = _("The clock of %(station)s is wrong by %(how)s") % {"station": station.label, "how": span(off)}
        yield view.at_station(kind, f"clock_skew:{station.id}", station, title, view.now, symptom=kind)


def clock_is_wrong(view: View, station: Standing) -> bool:
    most = view.setting(IncidentKind.CLOCK_SKEW, station).threshold
    return station.skew_ms is not None and abs(station.skew_ms) // 1000 > most


def span(seconds: int) -> str:
    """A length of time in its largest unit: exact enough to know what is wrong, and steady from look to look."""
    units = ((86_400, _("%(n)s days")), (3_600, _("%(n)s hours")), (60, _("%(n)s minutes")))
    for size, words in units:
        if seconds >= 2 * size:
            return words % {"n": round(seconds / size)}
    return _("%(n)s seconds") % {"n": seconds // 10 * 10}
