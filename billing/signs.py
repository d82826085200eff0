"""Signs of trouble with money, for all organizations in few queries: plain values for those above."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .models import Bill, CardReader, Payment
from .vocabulary import BillState, PaymentKind, PaymentState, ReaderState
from .waiting import NOT_A_ROUND

PAID: Final = (PaymentState.AUTHORIZED, PaymentState.CAPTURING, PaymentState.CAPTURED, PaymentState.RELEASING)
TRIED: Final = (*PAID, PaymentState.FAILED)


@dataclass(frozen=True, slots=True)
class Tries:
    """Payments at one place, newest first by their moment: how many were tried, failed, and failed in a row."""

    organization_id: int
    site_id: int | None
    reader_id: int | None
    reader: str
    tried: int
    failed: int
    in_a_row: int
    code: str  # the commonest reason


def payment_tries(*, since: datetime) -> list[Tries]:
    """By card reader, by site (payments on phones), and by organization. A hold on a saved card counts as well."""
    rows = Payment.objects.filter(created_at__gte=since, state__in=TRIED)
    rows = rows.filter(kind__in=[PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER]).exclude(
        state=PaymentState.FAILED, error_code__in=NOT_A_ROUND
    )
    columns = ("organization_id", "connector__station__site_id", "reader_id", "reader__label", "state", "error_code")
    groups: dict[tuple[int, int | None, int | None, str], list[tuple[str, str]]] = defaultdict(list)
    for organization, site, reader, label, state, code in rows.order_by("-created_at", "-pk").values_list(*columns):
        said = (state, code)
        groups[organization, None, None, ""].append(said)
        if reader:
            groups[organization, site, reader, label].append(said)
        elif site:
            groups[organization, site, None, ""].append(said)
    return [_tries(place, said) for place, said in groups.items()]


def _tries(place: tuple[int, int | None, int | None, str], said: Sequence[tuple[str, str]]) -> Tries:
    failed = [code for state, code in said if state == PaymentState.FAILED]
    in_a_row = next((index for index, (state, _code) in enumerate(said) if state != PaymentState.FAILED), len(said))
    organization, site, reader, label = place
    commonest = max(sorted(set(failed)), key=failed.count, default="")
    return Tries(organization, site, reader, label, len(said), len(failed), in_a_row, commonest)


@dataclass(frozen=True, slots=True)
class Lapsing:
    payment_id: int
    public_id: str
    organization_id: int
    station_id: int
    connector_id: int
    place: str
    until: datetime


def lapsing_holds(*, before: datetime) -> list[Lapsing]:
    """Amounts held for sessions that go on, which the bank frees before `before`."""
    rows = Payment.objects.filter(state=PaymentState.AUTHORIZED, capture_before__lte=before).order_by("pk")
    return [
        Lapsing(
            payment_id=row.pk,
            public_id=row.public_id,
            organization_id=row.organization_id,
            station_id=row.connector.station_id,
            connector_id=row.connector_id,
            place=str(row.connector),
            until=row.capture_before,
        )
        for row in rows.select_related("connector__station", "connector__evse")
        if row.capture_before
    ]


def tries_by_site(organization_id: int, *, since: datetime) -> dict[int, list[tuple[datetime, bool]]]:
    """(when, failed) of the payments at each site, as `payment_tries` takes them."""
    rows = Payment.objects.filter(organization=organization_id, created_at__gte=since, state__in=TRIED)
    rows = rows.filter(kind__in=[PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER]).exclude(
        state=PaymentState.FAILED, error_code__in=NOT_A_ROUND
    )
    found: dict[int, list[tuple[datetime, bool]]] = defaultdict(list)
    columns = ("connector__station__site_id", "created_at", "state")
    for site, at, state in rows.order_by("created_at", "pk").values_list(*columns):
        if site:
            found[site].append((at, state == PaymentState.FAILED))
    return dict(found)


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that a bank held, or holds: until it was settled, or until the bank frees it."""

    site_id: int | None
    began: datetime
    until: datetime
    ended: datetime | None


def holds_of(organization_id: int, *, since: datetime) -> list[Hold]:
    rows = Payment.objects.filter(
        organization=organization_id, capture_before__isnull=False, authorized_at__gte=since
    ).order_by("pk")
    columns = ("connector__station__site_id", "authorized_at", "capture_before", "settled_at")
    return [
        Hold(site, began, until, ended) for site, began, until, ended in rows.values_list(*columns) if began and until
    ]


@dataclass(frozen=True, slots=True)
class Mute:
    """A card reader without a connection."""

    reader_id: int
    organization_id: int
    site_id: int | None
    station_id: int | None
    label: str
    since: datetime


def offline_readers() -> list[Mute]:
    rows = CardReader.objects.filter(state=ReaderState.OFFLINE, archived_at=None).select_related("station")
    return [
        Mute(
            reader_id=row.pk,
            organization_id=row.organization_id,
            site_id=row.site_id or (row.station.site_id if row.station else None),
            station_id=row.station_id,
            label=row.label,
            since=row.seen_at or row.created_at,
        )
        for row in rows.order_by("pk")
    ]


def bills_in_review(bill_ids: Iterable[int]) -> set[int]:
    """Those of these bills that wait for a person still."""
    return set(Bill.objects.filter(pk__in=list(bill_ids), state=BillState.REVIEW).values_list("pk", flat=True))
