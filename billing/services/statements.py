"""Monthly statements of fleets: every bill of a complete month, in the organization's zone, once; then paid.

A bill on an issued statement may get another price. The statement stays as it is; the difference (`corrected`) is a
line of the next one. When nothing else is on that, or finance wants it at once, it is a credit note in the same row of
numbers, which is set off against what is open, oldest first, or paid back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from billing.events import StatementIssued
from billing.models import Account, Bill, Collection, Statement, StatementCorrection
from billing.receipts import statement as paper
from billing.shares import Share
from billing.vocabulary import AccountKind, BillState, LedgerAccount, StatementKind, StatementState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission

from . import goodwill, ledger, numbering

MOST_MONTHS = 24  # a fleet that nobody looked at for years is no reason for a loop without end


def issue_statements() -> int:
    """Issues whatever complete month has no statement yet; returns how many. Every night, and safe at any time."""
    billed = Q(bills__state=BillState.INVOICED, bills__statement=None)
    fleets = Account.objects.filter(billed | Q(corrections__listed_on=None, corrections__isnull=False))
    fleets = fleets.filter(kind=AccountKind.FLEET)
    return sum(_issue_for(account) for account in fleets.select_related("organization").distinct())


def _issue_for(account: Account) -> int:
    zone = ZoneInfo(account.organization.time_zone)
    now = clock.now()
    billed = _waiting(account).order_by("final_at").values_list("final_at", flat=True).first()
    corrected = _unlisted(account).values_list("created_at", flat=True).first()
    first = min((at for at in (billed, corrected) if at), default=None)
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


def _unlisted(account: Account) -> QuerySet[StatementCorrection]:
    return StatementCorrection.objects.filter(account=account, listed_on=None).order_by("created_at", "pk")


def issue(*, account: Account, starts_at: datetime, ends_at: datetime) -> Statement | None:
    """One month's statement; None when it has one or nothing is on it. A bill that was closed late (its station spoke
    only now) goes on the statement of the month in which its price stood.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update(of=("self",)).select_related("organization").get(pk=account.pk)
        if Statement.objects.filter(account=account, starts_at=starts_at, kind=StatementKind.MONTH).exists():
            return None
        rows = _waiting(account).filter(final_at__gte=starts_at, final_at__lt=ends_at)
        found = list(rows.select_related("session__station__site", "session__id_token", "session__driver", "snapshot"))
        changes = list(_unlisted(account).filter(created_at__lt=ends_at))
        if not found and not changes:
            return None
        found.sort(key=lambda bill: (bill.session.started_at, bill.pk))
        credit = not found and sum(change.total_minor for change in changes) <= 0
        kind = StatementKind.CREDIT if credit else StatementKind.MONTH
        return _write(account, starts_at, ends_at, found, changes, kind)


def issue_credit(*, access: Access, account: Account) -> Statement:
    """What was corrected since the last statement, at once: for a fleet that has paid, and charges no more.

    Raises PermissionDenied, ValidationError when nothing is corrected, or the fleet owes more by it.
    """
    access.demand(Permission.MONEY)
    if account.organization_id != access.organization.pk:
        raise PermissionDenied(_("This account is not yours."))
    with transaction.atomic():
        account = Account.objects.select_for_update(of=("self",)).select_related("organization").get(pk=account.pk)
        changes = list(_unlisted(account))
        if sum(change.total_minor for change in changes) >= 0:
            raise ValidationError(_("The corrections come to nothing to be credited: they go on the next statement."))
        month = month_of(clock.now(), ZoneInfo(account.organization.time_zone))
        statement = _write(account, *month, [], changes, StatementKind.CREDIT)
        audit.record(access, "statement.credited", statement, amount_minor=statement.total_minor)
    return statement


def _write(
    account: Account,
    starts_at: datetime,
    ends_at: datetime,
    found: list[Bill],
    changes: list[StatementCorrection],
    kind: StatementKind,
) -> Statement:
    statement = _row(account, starts_at, ends_at, [*found, *changes])
    statement.kind = kind
    statement.document = paper.document(statement=statement, bills=found, changes=changes)
    statement.save()
    Bill.objects.filter(pk__in=[bill.pk for bill in found]).update(statement=statement)
    StatementCorrection.objects.filter(pk__in=[change.pk for change in changes]).update(listed_on=statement)
    set_off(account)
    events.publish(StatementIssued(statement_id=statement.pk))
    return statement


def corrected(bill: Bill, before: Sequence[Share], energy_before_mwh: int, *, reason: str, access: Access) -> None:
    """A bill that stands on a statement has its new price, in the correcting transaction. `before`: by rates."""
    statement, account = bill.statement, bill.account
    changes = _difference(before, goodwill.whole(bill))
    energy = bill.session.energy_mwh - energy_before_mwh
    if statement is None or account is None or not (changes or energy):
        return
    StatementCorrection.objects.create(
        organization_id=bill.organization_id,
        account=account,
        bill=bill,
        statement=statement,
        net_minor=sum(share.net for share in changes),
        tax_minor=sum(share.tax for share in changes),
        total_minor=sum(share.gross for share in changes),
        energy_mwh=energy,
        taxes=[{"rate": share.rate, "net": share.net, "tax": share.tax} for share in changes],
        reason=reason[:200],
        created_by=access.user,
    )


def _difference(before: Sequence[Share], after: Sequence[Share]) -> list[Share]:
    rates = dict.fromkeys(share.rate for share in (*before, *after))
    found = []
    for rate in rates:
        net, tax = (
            sum(getattr(share, name) for share in after if share.rate == rate)
            - sum(getattr(share, name) for share in before if share.rate == rate)
            for name in ("net", "tax")
        )
        if net or tax:
            found.append(Share(rate, net, tax))
    return found


def set_off(account: Account) -> None:
    """Credit against what is open, oldest first, in the caller's transaction; the journal names both documents."""
    rows = list(Statement.objects.select_for_update().filter(account=account).order_by("issued_at", "pk"))
    credits = [row for row in rows if row.total_minor < row.paid_minor]
    dues = [row for row in rows if row.total_minor > row.paid_minor]
    while credits and dues:
        credit, due = credits[0], dues[0]
        part = min(credit.paid_minor - credit.total_minor, due.total_minor - due.paid_minor)
        _set_off(credit, due, part)
        credits = [row for row in credits if row.total_minor < row.paid_minor]
        dues = [row for row in dues if row.total_minor > row.paid_minor]
    for row in rows:
        if row.total_minor == row.paid_minor and row.state != StatementState.PAID:
            row.state, row.paid_at = StatementState.PAID, clock.now()
            row.save(update_fields=["state", "paid_at"])


def _set_off(credit: Statement, due: Statement, part: int) -> None:
    credit.paid_minor -= part
    due.paid_minor += part
    for row in (credit, due):
        row.save(update_fields=["paid_minor"])
    sub = str(due.account_id)
    ledger.post(
        organization_id=due.organization_id,
        key=f"set-off-{credit.pk}-{due.pk}-{credit.journal.filter(kind='set_off').count() + 1}",
        kind="set_off",
        currency=due.currency,
        lines=[
            ledger.Line(LedgerAccount.FLEET_RECEIVABLE, part, sub),
            ledger.Line(LedgerAccount.FLEET_RECEIVABLE, -part, sub),
        ],
        text=f"{credit.number} set off against {due.number}",
        statement=credit,
        account=due.account,
    )


def record_payback(*, access: Access, statement: Statement, amount_minor: int, reference: str) -> Statement:
    """A credit note was paid back by transfer, entered by finance; the same reference twice is one.

    Raises PermissionDenied, ValidationError: no reference, nothing, or more than is left of it.
    """
    access.demand(Permission.MONEY)
    if statement.organization_id != access.organization.pk:
        raise PermissionDenied(_("This statement is not yours."))
    if not reference.strip():
        raise ValidationError({"reference": _("Say how it was paid: the reference of the transfer.")})
    key = f"statement-{statement.pk}-{reference.strip()[:60]}"
    with transaction.atomic():
        statement = Statement.objects.select_for_update().get(pk=statement.pk)
        account = Account.objects.select_for_update().get(pk=statement.account_id)
        if statement.organization.journal.filter(key=key).exists():
            return statement
        if not 0 < amount_minor <= statement.paid_minor - statement.total_minor:
            raise ValidationError(_("More than nothing, and at most what is open."))
        ledger.post(
            organization_id=statement.organization_id, key=key, kind="statement_paid", currency=statement.currency,
            lines=[
                ledger.Line(LedgerAccount.FLEET_RECEIVABLE, amount_minor, str(account.pk)),
                ledger.Line(LedgerAccount.BANK, -amount_minor),
            ],
            statement=statement, account=account,
        )  # fmt: skip
        account.balance_minor += amount_minor
        account.save(update_fields=["balance_minor"])
        statement.paid_minor -= amount_minor
        statement.save(update_fields=["paid_minor"])
        set_off(account)
        detail = {"amount_minor": amount_minor, "reference": reference.strip()}
        audit.record(access, "statement.paid_back", statement, **detail)
        statement.refresh_from_db()
    return statement


def _row(
    account: Account, starts_at: datetime, ends_at: datetime, rows: Sequence[Bill | StatementCorrection]
) -> Statement:
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
