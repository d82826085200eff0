"""One search over everything that has an id or a name."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from heapq import nlargest
from typing import Any, Final

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts.queries import incidents
from billing.models import Receipt, ReceiptCounter
from evcms.core.access import Access, Permission
from evcms.core.figures import amount
from evcms.core.money import to_minor
from evcms.templatetags import figures
from sessions.models import IdToken
from sessions.queries import drivers, sessions, tokens
from stations import queries as stations
from stations.models import Connector, Evse, Station

MOST: Final = 12  # of a kind
MOST_PEOPLE: Final = 50
SHORTEST: Final = 2


@dataclass(frozen=True)
class Hit:
    """`exact`: the words are its very id, so that it is what was meant."""

    title: str
    note: str
    url: str
    status: str = ""
    at: datetime | None = None
    exact: bool = False


@dataclass(frozen=True)
class Group:
    label: str
    icon: str
    hits: list[Hit]


def search(access: Access, text: str) -> list[Group]:
    """Groups with hits, at most MOST each; six or seven queries."""
    words = text.strip()
    if len(words) < SHORTEST:
        return []
    people = _people(access, words)
    sources: Iterable[tuple[str, str, Callable[[Access, str], list[Hit]]]] = (
        (_("Stations"), "charging-pile", _stations),
        (_("Sites"), "map-pin", _sites),
        (_("Connectors"), "plug", _connectors),
        (_("Sessions"), "bolt", partial(_sessions, people=people)),
        (_("Tokens"), "id-badge-2", partial(_tokens, people=people)),
        (_("Receipts"), "receipt", _receipts),
        (_("Incidents"), "alert-triangle", _incidents),
    )
    groups = [Group(label, icon, find(access, words)) for label, icon, find in sources]
    return [group for group in groups if group.hits]


def only(groups: list[Group]) -> Hit | None:
    """The one that was meant: the only hit, or the only one whose very id was typed."""
    hits = [hit for group in groups for hit in group.hits]
    exact = [hit for hit in hits if hit.exact]
    if len(hits) == 1:
        return hits[0]
    return exact[0] if len(exact) == 1 else None


def _same(text: str, *ids: Any) -> bool:  # Any: texts and numbers
    return text.casefold() in {str(each).casefold() for each in ids if each}


def _stations(access: Access, text: str) -> list[Hit]:
    found = Q(identity__icontains=text) | Q(name__icontains=text) | Q(serial_number__icontains=text)
    rows = stations.stations(access).filter(found).order_by("identity")[:MOST]
    return [
        Hit(str(row), f"{row.identity} · {row.site or '–'}", reverse("station", args=[row.identity]),
            _link(row), exact=_same(text, row.identity, row.serial_number))
        for row in rows
    ]  # fmt: skip


def _link(row: Station) -> str:
    """Of a row of stations.queries.with_online."""
    if row.online:  # type: ignore[attr-defined]
        return "online"
    return "never_connected" if stations.never_connected(row) else "offline"


def _sites(access: Access, text: str) -> list[Hit]:
    found = Q(name__icontains=text) | Q(address__icontains=text) | Q(city__icontains=text)
    rows = stations.visible_sites(access).filter(found, archived_at=None).order_by("name")[:MOST]
    return [Hit(row.name, f"{row.address} {row.city}".strip(), reverse("site", args=[row.pk])) for row in rows]


def _connectors(access: Access, text: str) -> list[Hit]:
    """Who may see which is asked of those that are called so, which are few."""
    evses = Evse.objects.filter(evse_id__iexact=text, station__organization=access.organization)
    called = Q(evse__in=list(evses.values_list("pk", flat=True)[:MOST])) | Q(code=text.upper())
    named = list(Connector.objects.filter(called).values_list("pk", flat=True)[:MOST])
    return [
        Hit(str(row), row.code, reverse("station", args=[row.station.identity]), row.shown, exact=True)
        for row in (stations.connectors(access).filter(pk__in=named) if named else ())
    ]


def _people(access: Access, text: str) -> list[int]:
    """Drivers of that name; a name of half the drivers finds some."""
    named = drivers(access).filter(Q(name__icontains=text) | Q(email__icontains=text))
    return list(named.values_list("pk", flat=True)[:MOST_PEOPLE])


def _sessions(access: Access, text: str, people: list[int]) -> list[Hit]:
    """By what has an index: id, driver, card, and what stations made up.

    All that are called so, for a database that is asked for the newest of what is rare looks through all by time.
    """
    visible = sessions(access).select_related(None).order_by()
    cards = IdToken.objects.filter(organization=access.organization, folded=text.upper()).values_list("pk", flat=True)
    spelled = {text, text.upper(), text.lower()}
    called = Q(public_id=text) | Q(transaction_id__iexact=text) | Q(token_value__in=spelled)
    theirs = visible.filter(Q(driver__in=people) | Q(id_token__in=list(cards))).order_by("-started_at")
    ids = [pk for _at, pk in nlargest(MOST, visible.filter(called).values_list("started_at", "pk"))]
    ids += theirs.values_list("pk", flat=True)[:MOST]
    rows = sessions(access).filter(pk__in=ids).order_by("-started_at")[:MOST]
    return [
        Hit(str(row.connector or row.station),
            f"{figures.kwh(row.energy_mwh)} · {row.id_token or row.token_value or '–'}",
            reverse("session", args=[row.public_id]), row.state, row.started_at,
            exact=_same(text, row.public_id, row.transaction_id))
        for row in rows
    ]  # fmt: skip


def _tokens(access: Access, text: str, people: list[int]) -> list[Hit]:
    found = Q(folded__contains=text.upper()) | Q(label__icontains=text) | Q(driver__in=people)
    rows = tokens(access).filter(found)[:MOST]
    may = access.can(Permission.TOKENS)
    return [
        Hit(str(row), f"{row.value} · {row.driver or '–'}",
            reverse("token-edit", args=[row.pk]) if may else f"{reverse('tokens')}?q={row.value}",
            row.status, exact=_same(text, row.value))
        for row in rows
    ]  # fmt: skip


NUMBER: Final = re.compile(r"(\d{4})-0*(\d{1,9})\Z")  # Receipt.number


AMOUNT: Final = re.compile(r"(\d{1,7})[.,](\d{1,3})(?: ?[^\W\d]{3}| ?[€$£])?\Z")  # "14.20", "14,20 €"
NEWEST: Final = 50_000  # receipts of a year in which an amount is looked for: they have an index by number, not by it


def _receipts(access: Access, text: str) -> list[Hit]:
    """By number or id, for finance by amount, too. Who sees no money is led to the session that the receipt is of."""
    may, found = access.can(Permission.MONEY), Q(public_id=text)
    if number := NUMBER.match(text):
        found |= Q(year=int(number[1]), sequence=int(number[2]))
    if may and (typed := AMOUNT.match(text)):
        found |= _over(access, Decimal(f"{typed[1]}.{typed[2]}"))
    rows = Receipt.objects.filter(found, organization=access.organization).select_related("bill__session")
    if not access.all_sites:
        rows = rows.filter(bill__session__site__in=stations.visible_sites(access))
    if not may:
        rows = rows.filter(bill__isnull=False)
    return [_receipt(row, may=may, exact=not AMOUNT.match(text)) for row in rows[:MOST]]


def _receipt(row: Receipt, *, may: bool, exact: bool) -> Hit:
    if may or row.bill is None:
        said, url = amount(row.total_minor, row.currency), reverse("public:receipt", args=[row.public_id])
    else:
        said, url = _("its session"), reverse("session", args=[row.bill.session.public_id])
    return Hit(row.number, said, url, "paid", row.issued_at, exact=exact)


def _over(access: Access, major: Decimal) -> Q:
    """The newest receipts over this amount, in the organization's currency."""
    organization = access.organization
    minor = to_minor(major, organization.currency)
    counters = ReceiptCounter.objects.filter(organization=organization).order_by("-year").values_list("year", "last")
    found = Q(pk__in=[])
    for year, last in counters[:2]:
        found |= Q(year=year, sequence__gt=last - NEWEST, total_minor=minor, currency=organization.currency)
    return found


def _incidents(access: Access, text: str) -> list[Hit]:
    found = Q(title__icontains=text)
    number = text.removeprefix("#")
    if number.isdigit() and len(number) < 10:
        found |= Q(pk=int(number))
    rows = incidents(access).filter(found).order_by("-opened_at")[:MOST]
    return [
        Hit(row.title, f"#{row.pk} · {row.get_state_display()}", reverse("incident", args=[row.pk]), row.state,
            row.opened_at, exact=text == f"#{row.pk}")
        for row in rows
    ]  # fmt: skip
