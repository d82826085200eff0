"""Monthly statements of fleets: every bill of a complete month, in the organization's zone, once; then paid."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from billing.events import StatementIssued
from billing.models import Account, Bill, Collection, Statement
from billing.receipts import statement as paper
from billing.vocabulary import AccountKind, BillState, LedgerAccount, StatementState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission

from . import ledger, numbering

MOST_MONTHS = 24  # a fleet that nobody looked at for years is no reason for a loop without end


def issue_statements() -> int:
    """Issues whatever complete month has no statement yet; returns how many. Every night, and safe at any time."""
    fleets = Account.objects.filter(kind=AccountKind.FLEET, bills__state=BillState.INVOICED, bills__statement=None)
    return sum(_issue_for(account) for account in fleets.select_related("organization").distinct())


def _issue_for(account: Account) -> int:
    zone = ZoneInfo(account.organization.time_zone)
    now = clock.now()
    first = _waiting(account).order_by("final_at").values_list("final_at", flat=True).first()
    if first is None:
        return 0
    month, issued = month_of(first, zone), 0
    for _turn in range(MOST_MONTHS):
        if month[1] > now:
            break
        issued += issue(account=account, starts_at=month[0], ends_at=month[1]) is not None
        month = month_of(month[1], zone)
    return issued


def month_of(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The local month that `at` lies in: [start, end)."""
    local = at.astimezone(zone)
    start = datetime(local.year, local.month, 1, tzinfo=zone)
    after = start + timedelta(days=32)
    return start, datetime(after.year, after.month, 1, tzinfo=zone)


def _waiting(account: Account) -> QuerySet[Bill]:
    return Bill.objects.filter(account=account, state=BillState.INVOICED, statement=None)


def issue(*, account: Account, starts_at: datetime, ends_at: datetime) -> Statement | None:
    """One month's statement; None when it has one or nothing is on it. A bill that was closed late (its station spoke
    only now) goes on the statement of the month in which its price stood.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update(of=("self",)).select_related("organization").get(pk=account.pk)
        if Statement.objects.filter(account=account, starts_at=starts_at).exists():
            return None
        rows = _waiting(account).filter(final_at__gte=starts_at, final_at__lt=ends_at)
        found = list(rows.select_related("session__station__site", "session__id_token", "session__driver", "snapshot"))
        if not found:
            return None
        found.sort(key=lambda bill: (bill.session.started_at, bill.pk))
        statement = _row(account, starts_at, ends_at, found)
        statement.document = paper.document(statement=statement, bills=found)
        statement.save()
        Bill.objects.filter(pk__in=[bill.pk for bill in found]).update(statement=statement)
        events.publish(StatementIssued(statement_id=statement.pk))
    return statement


def _row(account: Account, starts_at: datetime, ends_at: datetime, rows: list[Bill]) -> Statement:
    issued_at = clock.now()
    zone = ZoneInfo(account.organization.time_zone)
    year = issued_at.astimezone(zone).year
    numbering.lock(account.organization, year)
    last = Statement.objects.filter(organization=account.organization, year=year).aggregate(last=Max("sequence"))
    return Statement(
        organization=account.organization,
        account=account,
        starts_at=starts_at,
        ends_at=ends_at,
        year=year,
        sequence=(last["last"] or 0) + 1,
        currency=account.currency,
        net_minor=sum(bill.net_minor for bill in rows),
        tax_minor=sum(bill.tax_minor for bill in rows),
        total_minor=sum(bill.total_minor for bill in rows),
        issued_at=issued_at,
        due_on=(issued_at.astimezone(zone) + timedelta(days=account.payment_days)).date(),
    )


def record_payment(*, access: Access, statement: Statement, amount_minor: int, reference: str) -> Statement:
    """A transfer that arrived at the bank, entered by finance; the same reference twice is one.

    Raises PermissionDenied, ValidationError: no reference, nothing, or more than is open.
    """
    access.demand(Permission.MONEY)
    if statement.organization_id != access.organization.pk:
        raise PermissionDenied(_("This statement is not yours."))
    if not reference.strip():
        raise ValidationError({"reference": _("Say how it was paid: the reference of the transfer.")})
    key = f"statement-{statement.pk}-{reference.strip()[:60]}"
    with transaction.atomic():
        statement = paid(statement_id=statement.pk, amount_minor=amount_minor, key=key, into=LedgerAccount.BANK)
        audit.record(access, "statement.paid", statement, amount_minor=amount_minor, reference=reference.strip())
    return statement


def collected(collection: Collection) -> int:
    """A statement was paid on a page, in the paying transaction. Answers what of it was not needed any more."""
    statement = Statement.objects.select_for_update().get(pk=collection.statement_id or 0)
    needed = min(collection.amount_minor, statement.total_minor - statement.paid_minor)
    if needed > 0:
        paid(
            statement_id=statement.pk,
            amount_minor=needed,
            key=f"collection-{collection.pk}",
            into=LedgerAccount.CARD_CLEARING,
            collection=collection,
        )
    return collection.amount_minor - max(needed, 0)


def paid(*, statement_id: int, amount_minor: int, key: str, into: LedgerAccount, **about: Any) -> Statement:
    """Takes a payment of a statement into the books, in the caller's transaction: once per `key`. `about`: rows for the
    journal. Raises ValidationError for nothing or too much.
    """
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    account = Account.objects.select_for_update().get(pk=statement.account_id)
    if statement.organization.journal.filter(key=key).exists():
        return statement
    if not 0 < amount_minor <= statement.total_minor - statement.paid_minor:
        raise ValidationError(_("More than nothing, and at most what is open."))
    ledger.post(
        organization_id=statement.organization_id,
        key=key,
        kind="statement_paid",
        currency=statement.currency,
        lines=[
            ledger.Line(into, amount_minor),
            ledger.Line(LedgerAccount.FLEET_RECEIVABLE, -amount_minor, str(account.pk)),
        ],
        statement=statement,
        account=account,
        **about,
    )
    account.balance_minor -= amount_minor
    account.save(update_fields=["balance_minor"])
    statement.paid_minor += amount_minor
    if statement.paid_minor == statement.total_minor:
        statement.state, statement.paid_at = StatementState.PAID, clock.now()
    statement.save(update_fields=["paid_minor", "state", "paid_at"])
    return statement
