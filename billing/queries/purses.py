"""Accounts, vouchers, statements: lists for people. Money of the whole organization: only for members of all sites."""

from django.db.models import Count, F, Q, QuerySet, Sum

from billing.models import Account, Bill, FundingRule, JournalLine, Statement, Voucher
from billing.vocabulary import AccountKind, BillState, LedgerAccount
from evcms.core import clock
from evcms.core.access import Access
from sessions.models import Driver
from stations.models import Connector

LINES_OF = {AccountKind.PREPAID: LedgerAccount.PREPAID, AccountKind.FLEET: LedgerAccount.FLEET_RECEIVABLE}

LEFT = "left"  # balances of drivers who left on which something stands


def accounts(access: Access, *, kind: str = "", sought: str = "") -> QuerySet[Account]:
    rows = Account.objects.filter(organization=access.organization).annotate(users=Count("rules", distinct=True))
    if not access.all_sites:
        rows = rows.none()
    if kind == LEFT:
        rows = rows.filter(driver__erased_at__isnull=False, kind=AccountKind.PREPAID).exclude(balance_minor=0)
    elif kind:
        rows = rows.filter(kind=kind)
    if sought:
        named = Q(name__icontains=sought) | Q(legal_name__icontains=sought) | Q(email__icontains=sought)
        rows = rows.filter(named | Q(public_id__istartswith=sought))
    return rows.order_by(F("closed_at").desc(nulls_first=True), "name")


def balance_of(driver: Driver) -> Account | None:
    """The driver's own prepaid balance."""
    return Account.objects.filter(driver=driver, kind=AccountKind.PREPAID, closed_at=None).order_by("pk").first()


def balances_of(driver: Driver) -> QuerySet[Account]:
    """All that were ever his, closed ones, too."""
    return Account.objects.filter(driver=driver, kind=AccountKind.PREPAID).order_by("pk")


def pays_for(account: Account, driver: Driver) -> bool:
    """Do the driver's sessions draw on it (unless a token has a rule of its own)?"""
    return FundingRule.objects.filter(driver=driver, account=account).exists()


def movements(account: Account) -> QuerySet[JournalLine]:
    """What changed the balance, newest first."""
    lines = JournalLine.objects.filter(
        account=LINES_OF.get(AccountKind(account.kind), ""),
        sub=str(account.pk),
        entry__organization=account.organization_id,
    )
    related = ("entry__bill__session__station", "entry__collection", "entry__statement")
    return lines.select_related(*related).order_by("-entry__at", "-id")


def users(account: Account) -> QuerySet[FundingRule]:
    return account.rules.select_related("token", "driver", "group").order_by("id")


def uninvoiced(account: Account) -> int:
    """Minor units of a fleet's running month."""
    rows = Bill.objects.filter(account=account, state=BillState.INVOICED, statement=None)
    return int(rows.aggregate(total=Sum("total_minor"))["total"] or 0)


def uncredited(account: Account) -> int:
    """Minor units of corrections that no statement lists yet."""
    return int(account.corrections.filter(listed_on=None).aggregate(total=Sum("total_minor"))["total"] or 0)


def given_away(account: Account) -> int:
    """mWh that a free policy gave, for ever."""
    rows = Bill.objects.filter(account=account, state=BillState.FREE)
    return int(rows.aggregate(total=Sum("session__energy_mwh"))["total"] or 0)


def statements(access: Access) -> QuerySet[Statement]:
    rows = Statement.objects.filter(organization=access.organization).select_related("account", "organization")
    return rows if access.all_sites else rows.none()


def takes_vouchers(connector: Connector) -> bool:
    """Has the operator given any voucher that could work here? One small query."""
    owner = connector.station.organization_id or 0
    rows = Voucher.objects.filter(organization_id=owner, voided_at=None, left_minor__gt=0)
    return rows.filter(Q(site=None) | Q(site_id=connector.station.site_id)).exists()


def vouchers(access: Access, *, state: str = "", sought: str = "") -> QuerySet[Voucher]:
    """`state`: usable, used, over, void."""
    rows = Voucher.objects.filter(organization=access.organization).select_related("site", "created_by")
    if not access.all_sites:
        rows = rows.none()
    now = clock.now()
    usable = Q(voided_at=None, left_minor__gt=0) & (Q(valid_until=None) | Q(valid_until__gt=now))
    kinds = {
        "usable": usable,
        "used": Q(left_minor=0),
        "over": Q(voided_at=None, left_minor__gt=0, valid_until__lte=now),
        "void": Q(voided_at__isnull=False),
    }
    if state in kinds:
        rows = rows.filter(kinds[state])
    if sought:
        code = "".join(sign for sign in sought.upper() if sign.isalnum())
        rows = rows.filter(Q(label__icontains=sought) | Q(code__startswith=code or "-"))
    return rows.order_by("-created_at", "-id")
