"""The rows behind a proof: sums in the database, a session's segment as one expression."""

from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat

from billing import leaks
from billing.leaks.common import Look
from billing.models import (
    Bill,
    Collection,
    Dispute,
    JournalEntry,
    JournalLine,
    Payment,
    ProofRun,
    Refund,
)
from billing.proof import Book, Leak, Part, Proof, Segment, first_of_each
from billing.vocabulary import (
    BillState,
    CollectionState,
    FundingSource,
    LedgerAccount,
    PaymentKind,
    PaymentState,
    RefundState,
    RunState,
)
from evcms.core.models import Organization
from evcms.core.snapshot import snapshot
from sessions.models import ChargingSession

CHARGED = (PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER, PaymentKind.STATION)
UNDECIDED = (BillState.OPEN, BillState.DUE, BillState.REVIEW)
LET_GO = Q(bill__waived_minor__gt=0, bill__waived_minor=F("bill__total_minor")) | Q(
    bill__state=BillState.FREE, bill__waived_by__isnull=False
)

HELD = Dispute.objects.filter(collection__disputed_minor__gt=0, closed_at=None).order_by()
HELD_BACK = Q(bill__in=HELD.filter(collection__debt__isnull=False).values("collection__debt__bill")) | Q(
    bill__statement__in=HELD.filter(collection__statement__isnull=False).values("collection__statement")
)
"""Its debt or its statement was paid, and a bank holds that money now. Once it is lost, both are owed again."""

SEGMENT = Case(
    When(bill=None, ended_at__isnull=False, then=Value(Segment.UNMETERED)),
    When(Q(ended_at=None) | Q(bill__state__in=UNDECIDED), then=Value(Segment.OPEN)),
    When(Q(bill__state=BillState.UNPAID) & ~LET_GO, then=Value(Segment.FAILED)),
    When(payment__disputed_minor__gt=0, then=Value(Segment.DISPUTED)),
    When(HELD_BACK, then=Value(Segment.DISPUTED)),
    When(LET_GO, then=Value(Segment.WAIVED)),
    When(bill__state=BillState.FREE, then=Value(Segment.FREE)),
    When(bill__source__in=(FundingSource.PREPAID, FundingSource.VOUCHER), then=Value(Segment.PREPAID)),
    When(bill__state=BillState.INVOICED, then=Value(Segment.INVOICED)),
    default=Value(Segment.PAID),
    output_field=CharField(),
)
"""An unpaid price that was let go whole is no failure any more: who waived it has answered for it."""

DETAIL = Case(
    When(segment=Segment.OPEN, ended_at=None, then=Value("running")),
    When(segment=Segment.OPEN, then=Concat(Value("bill:"), F("bill__state"))),
    When(segment=Segment.FAILED, payment__error_code__gt="", then=Concat(Value("code:"), F("payment__error_code"))),
    When(segment=Segment.FAILED, then=F("bill__reason")),
    When(segment=Segment.DISPUTED, then=Value("")),
    When(
        segment=Segment.WAIVED,
        then=Concat(
            F("bill__waived_reason"),
            Value(" – "),
            Coalesce("bill__waived_by__email", Value("rule"), output_field=CharField()),
        ),
    ),
    When(
        segment=Segment.FREE,
        bill__source=FundingSource.FREE,
        then=Coalesce("bill__account__reason", Value("free for this person")),
    ),
    When(segment=Segment.FREE, then=F("bill__reason")),
    When(segment=Segment.PREPAID, then=F("bill__source")),
    When(segment=Segment.INVOICED, then=Coalesce("bill__account__name", Value(""))),
    When(segment=Segment.PAID, then=F("bill__source")),
    default=Value(""),
    output_field=CharField(),
)


def prove(*, organization: Organization, since: datetime, until: datetime, provider: bool = False) -> Proof:
    """Sessions that ended in [since, until), those that still run marked open: all of one moment. `provider`: open
    payments are read from the payment provider, too (never inside a transaction, so what runs may move meanwhile).
    """
    with nullcontext() if provider else snapshot():
        return _prove(organization, since, until, provider)


def _prove(organization: Organization, since: datetime, until: datetime, provider: bool) -> Proof:
    rows = sessions_of(organization, since, until)
    look = leaks.look_at(organization, since, until, provider=provider)
    found = leaks.find(look)
    orphans = _orphans(found)
    return Proof(
        since=since,
        until=until,
        total_mwh=_energy(rows) + sum(part.energy_mwh for part in orphans),
        parts=(*_parts(look, rows), *orphans),
        books=tuple(_books(organization, since, until)),
        leaks=first_of_each(found),
        checks=_sides(look),
    )


def newest(organization: Organization, since: date, until: date) -> tuple[ProofRun | None, ProofRun | None]:
    """The newest result of a period that begins then (its last day may be an earlier one), and the run under way. A
    run that failed after that result is under way, too: it says why.
    """
    rows = ProofRun.objects.filter(organization=organization, since=since, until__lte=until)
    done = rows.filter(state=RunState.DONE).order_by("-until", "-finished_at").first()
    last = rows.exclude(state=RunState.DONE).order_by("-created_at", "-pk").first()
    if last and done and last.created_at < done.created_at:
        last = None
    return done, last


def moved_since(run: ProofRun) -> bool:
    """Whether money moved after the run had read it."""
    after = run.started_at or run.created_at
    return JournalEntry.objects.filter(organization=run.organization_id, at__gt=after).exists()


def sessions_of(organization: Organization, since: datetime, until: datetime) -> QuerySet[ChargingSession]:
    ended = Q(ended_at__gte=since, ended_at__lt=until)
    running = Q(ended_at=None, started_at__lt=until)
    return ChargingSession.objects.filter(ended | running, organization=organization)


NEEDED = {
    Segment.UNMETERED: ~Exists(Bill.objects.filter(session=OuterRef("pk"))) & Q(ended_at__isnull=False),
    Segment.OPEN: Q(ended_at=None) | Q(bill__state__in=UNDECIDED),
    Segment.FAILED: Q(bill__state=BillState.UNPAID),
    Segment.DISPUTED: Q(payment__disputed_minor__gt=0) | HELD_BACK,
    Segment.WAIVED: LET_GO,
    Segment.FREE: Q(bill__state=BillState.FREE),
    Segment.PREPAID: Q(bill__source__in=(FundingSource.PREPAID, FundingSource.VOUCHER)),
    Segment.INVOICED: Q(bill__state=BillState.INVOICED),
    Segment.PAID: Q(bill__isnull=False),
}
"""What is true of each session of a segment, said so that a database finds it without judging all of a month."""


def in_segment(
    rows: QuerySet[ChargingSession], segment: Segment, detail: str | None = None
) -> QuerySet[ChargingSession]:
    """The sessions behind one line of the proof."""
    found = rows.filter(NEEDED[segment])
    if segment == Segment.UNMETERED and not detail:
        return found  # the first by precedence: nothing else to judge
    found = found.annotate(segment=SEGMENT).filter(segment=segment)
    return found if detail is None else found.annotate(detail=DETAIL).filter(detail=detail)


def _energy(rows: QuerySet[ChargingSession]) -> int:
    return int(rows.aggregate(total=Coalesce(Sum("energy_mwh"), 0))["total"])


def _parts(look: Look, rows: QuerySet[ChargingSession]) -> list[Part]:
    sums = (
        rows.order_by()
        .annotate(segment=SEGMENT)
        .annotate(detail=DETAIL)
        .values("segment", "detail", "bill__currency")
        .annotate(
            sessions=Count("pk"),
            energy=Sum("energy_mwh"),
            billed=Coalesce(Sum("bill__total_minor"), 0),
            captured=Coalesce(Sum("payment__captured_minor"), 0),
            refunded=Coalesce(Sum("payment__refunded_minor"), 0),
            written_off=Coalesce(Sum("bill__waived_minor"), 0),
        )
    )
    left = _owed(look, rows)
    order = list(Segment)
    parts = [
        Part(
            segment=Segment(row["segment"]),
            detail=row["detail"] or "",
            currency=row["bill__currency"] or "",
            sessions=row["sessions"],
            energy_mwh=row["energy"],
            billed=row["billed"],
            captured=row["captured"],
            refunded=row["refunded"],
            written_off=row["written_off"],
            owed=left.get((row["segment"], row["detail"] or "", row["bill__currency"] or ""), 0),
        )
        for row in sums
    ]
    return sorted(parts, key=lambda part: (order.index(part.segment), -part.energy_mwh, part.detail))


def _owed(look: Look, rows: QuerySet[ChargingSession]) -> dict[tuple[str, str, str], int]:
    """What the journal says is owed, by the lines of the proof."""
    left = {bill: row.owed for bill, row in look.booked.items() if row.owed}
    if not left:
        return {}
    found: dict[tuple[str, str, str], int] = {}
    named = rows.filter(bill__isnull=False).annotate(segment=SEGMENT).annotate(detail=DETAIL)
    owing = named.filter(bill__in=list(left)) if len(left) < 500 else named
    for bill, *key in owing.values_list("bill", "segment", "detail", "bill__currency"):
        name = (key[0], key[1] or "", key[2] or "")
        found[name] = found.get(name, 0) + left.get(bill, 0)
    return found


def _orphans(found: list[Leak]) -> list[Part]:
    lost = [leak for leak in found if leak.about.startswith("gap:")]
    energy = sum(leak.energy_mwh for leak in lost)
    return [Part(Segment.UNMETERED, "no session", "", 0, energy)] if energy else []


# Money: as the rows say it, and as the journal does -----------------------------------------------------------------


def _books(organization: Organization, since: datetime, until: datetime) -> list[Book]:
    """All bills that stood in the period, by currency; each fact from its own row against its posting."""
    which = {"organization": organization, "final_at__gte": since, "final_at__lt": until}
    paid = {"organization": organization, "paid_at__gte": since, "paid_at__lt": until}
    said, posted = _said(which) | _collected(paid), _posted(which) | _collections_posted(paid)
    currencies = sorted({currency for _name, currency in [*said, *posted]})
    names = ("billed", "captured", "refunded", "from balances", "invoiced", "waived", *COLLECTED)
    return [
        Book(name, currency, said.get((name, currency), 0), posted.get((name, currency), 0))
        for currency in currencies
        for name in names
        if name not in COLLECTED or (name, currency) in {**said, **posted}
    ]


Which = dict[str, Any]
"""Conditions on a bill. Any: values that are looked for."""


def _of(path: str, which: Which) -> Which:
    """The conditions seen from a row that reaches the bill by `path`: joins, which both databases plan well."""
    return {f"{path}__{name}": value for name, value in which.items()}


def _said(which: Which) -> dict[tuple[str, str], int]:
    told: dict[tuple[str, str], int] = {}
    bills = Bill.objects.filter(**which)
    sums = bills.order_by().values("currency").annotate(
        billed=Coalesce(Sum("total_minor"), 0), waived=Coalesce(Sum("waived_minor"), 0),
        invoiced=Coalesce(Sum("total_minor", filter=Q(state=BillState.INVOICED)), 0),
    )  # fmt: skip
    for row in sums:
        for name in ("billed", "waived", "invoiced"):
            told[name, row["currency"]] = row[name]
    cards = Payment.objects.filter(**_of("session__bill", which), state=PaymentState.CAPTURED, kind__in=CHARGED)
    cards = cards.order_by()
    for currency, total in cards.values_list("currency").annotate(total=Sum("captured_minor")):
        told["captured", currency] = total
    purses = bills.filter(source__in=(FundingSource.PREPAID, FundingSource.VOUCHER)).order_by()
    for currency, total in purses.values_list("currency").annotate(
        total=Sum(F("total_minor") - F("shortfall_minor") - Coalesce("debt__collected_minor", 0))
    ):
        told["from balances", currency] = total
    done = Refund.objects.filter(state=RefundState.DONE).order_by()
    of_cards = done.filter(**_of("payment__session__bill", which), payment__kind__in=CHARGED)
    of_debts = done.filter(**_of("collection__debt__bill", which))
    for rows, name in ((of_cards, "payment__currency"), (of_debts, "collection__currency")):
        for currency, total in rows.values_list(name).annotate(total=Sum("amount_minor")):
            told["refunded", currency] = told.get(("refunded", currency), 0) + total
    return told


COLLECTED = ("collected", "collections given back", "collections held back")


def _collected(paid: Which) -> dict[tuple[str, str], int]:
    """Top-ups, debts and statements that were paid by card in the period, and what of that went back or is disputed."""
    told: dict[tuple[str, str], int] = {}
    rows = Collection.objects.filter(**paid, state=CollectionState.PAID).order_by()
    for name, column in zip(COLLECTED, ("amount_minor", "refunded_minor", "disputed_minor"), strict=True):
        for currency, total in rows.values_list("currency").annotate(total=Sum(column)):
            told[name, currency] = total
    return told


def _collections_posted(paid: Which) -> dict[tuple[str, str], int]:
    lines = JournalLine.objects.filter(**_of("entry__collection", paid), account=LedgerAccount.CARD_CLEARING)
    kinds = {"refund": ("collections given back", -1), "dispute": ("collections held back", -1)}
    told: dict[tuple[str, str], int] = {}
    rows = lines.exclude(entry__kind__in=("fee", "exchange")).order_by()
    for kind, currency, total in rows.values_list("entry__kind", "entry__currency").annotate(n=Sum("amount_minor")):
        name, sign = kinds.get(kind, ("collected", 1))
        told[name, currency] = told.get((name, currency), 0) + sign * total
    return told


PURSES = (LedgerAccount.PREPAID, LedgerAccount.VOUCHERS)
FACTS = Case(
    When(entry__kind="price", account=LedgerAccount.RECEIVABLE, then=Value("billed")),
    When(entry__kind="capture", account__in=(LedgerAccount.CARD_CLEARING, LedgerAccount.STATION_CLEARING),
         then=Value("captured")),
    When(entry__kind="refund", account__in=(LedgerAccount.CARD_CLEARING, LedgerAccount.STATION_CLEARING),
         then=Value("-refunded")),
    When(entry__kind__in=(FundingSource.PREPAID, FundingSource.VOUCHER, "correction"), account__in=PURSES,
         then=Value("from balances")),
    When(entry__kind=FundingSource.VOUCHER, account=LedgerAccount.WRITTEN_OFF, then=Value("from balances")),
    When(entry__kind__in=(FundingSource.FLEET, "correction"), account=LedgerAccount.FLEET_RECEIVABLE,
         then=Value("invoiced")),
    When(entry__kind="waive", account=LedgerAccount.WRITTEN_OFF, then=Value("waived")),
    default=Value(""),
    output_field=CharField(),
)  # fmt: skip


def _posted(which: Which) -> dict[tuple[str, str], int]:
    lines = JournalLine.objects.filter(**_of("entry__bill", which)).order_by().annotate(fact=FACTS).exclude(fact="")
    sums = lines.values_list("fact", "entry__currency").annotate(total=Sum("amount_minor"))
    return {
        (fact.removeprefix("-"), currency): -total if fact.startswith("-") else total for fact, currency, total in sums
    }


def _sides(look: Look) -> dict[str, tuple[int, int]]:
    """Two independent counts of the same, over all time."""
    sessions, hours = look.energy_by_evse
    sides = list(look.accounts.values())
    return {
        "energy of sessions and of hours": (sum(sessions.values()), sum(hours.values())),
        "debits and credits": (sum(debit for debit, _credit in sides), -sum(credit for _debit, credit in sides)),
    }
