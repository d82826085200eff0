"""Balances, vouchers, fleets and free policies: opened and closed by people, drawn on by sessions.

Money set aside for a running session is `held_minor`; what a new one may use is balance less that. A Payment of kind
PREPAID or VOUCHER carries the part set aside, so that the budget guard, the live page and the time-line are the same as
for a card.
"""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing import vat
from billing.models import Account, Collection, FundingRule, PaymentMethod
from billing.vocabulary import AccountKind, FundingSource, LedgerAccount
from evcms.core import audit, clock, figures
from evcms.core.access import Access, Permission
from sessions.models import Driver, DriverGroup, IdToken

from . import ledger

FIELDS = (
    "name", "limit_minor", "legal_name", "address", "country", "vat_id", "email", "language", "payment_days", "reason",
)  # fmt: skip
DRAWS_ON = {
    FundingSource.PREPAID: AccountKind.PREPAID,
    FundingSource.FLEET: AccountKind.FLEET,
    FundingSource.FREE: AccountKind.FREE,
}


def open_account(*, access: Access, kind: str, name: str, driver: Driver | None = None, **fields: Any) -> Account:
    """Any: values of FIELDS. Raises PermissionDenied, ValidationError with a sentence a field."""
    access.demand(Permission.MONEY)
    account = Account(
        organization=access.organization, kind=kind, name=name, driver=driver, currency=access.organization.currency
    )
    _fill(account, fields)
    if driver is not None and driver.organization_id != access.organization.pk:
        raise ValidationError({"driver": _("This driver belongs to another organization.")})
    _check(account)
    with transaction.atomic():
        account.save()
        audit.record(access, "account.opened", account, kind=kind, **{name: str(fields[name]) for name in fields})
    return account


def edit_account(*, access: Access, account: Account, **fields: Any) -> Account:
    """Any: values of FIELDS. Raises PermissionDenied, ValidationError."""
    _demand(access, account)
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        before = {name: getattr(account, name) for name in fields}
        _fill(account, fields)
        _check(account)
        changed = {name: [str(old), str(fields[name])] for name, old in before.items() if old != fields[name]}
        account.save()
        audit.record(access, "account.edited", account, **changed)
    return account


def close_account(*, access: Access, account: Account) -> None:
    """No new session draws on it; what is on it, or unpaid, stays. Raises PermissionDenied."""
    _demand(access, account)
    with transaction.atomic():
        if Account.objects.filter(pk=account.pk, closed_at=None).update(closed_at=clock.now()):
            audit.record(access, "account.closed", account)


def _fill(account: Account, fields: dict[str, Any]) -> None:
    if unknown := set(fields) - set(FIELDS):
        raise TypeError(f"an account has no {', '.join(sorted(unknown))}")
    for name, value in fields.items():
        setattr(account, name, value.strip() if isinstance(value, str) else value)


def _check(account: Account) -> None:
    account.full_clean(exclude=["organization"])
    problems: dict[str, str] = {}
    if account.limit_minor is not None and account.limit_minor < 0:
        problems["limit_minor"] = _("A limit is 0 or more.")
    if account.vat_id:
        try:
            account.vat_id = str(vat.check(account.vat_id))
        except vat.WrongVatNumber as error:
            problems["vat_id"] = error.reason
    if account.kind == AccountKind.FREE and not account.reason:
        problems["reason"] = _("Say why these people charge for free; it stands on every bill.")
    if account.kind == AccountKind.FLEET and not account.legal_name:
        problems["legal_name"] = _("A statement needs the legal name of who pays it.")
    if problems:
        raise ValidationError(problems)


def adjust(*, access: Access, account: Account, amount_minor: int, reason: str, key: str) -> Account:
    """Puts money on a prepaid balance by hand (paid in cash, by transfer, as a gift) or takes it off. Once per `key`.

    Raises PermissionDenied, ValidationError: no reason, not prepaid, or more taken than there is.
    """
    _demand(access, account)
    if not reason.strip():
        raise ValidationError(_("Say why; it stands in the journal."))
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        if account.kind != AccountKind.PREPAID:
            raise ValidationError(_("Only a prepaid balance can be changed by hand."))
        if account.balance_minor + amount_minor < account.held_minor:
            free = figures.amount(account.balance_minor - account.held_minor, account.currency)
            raise ValidationError(_("At most %(amount)s can be taken off.") % {"amount": free})
        entry = ledger.post(
            organization_id=account.organization_id,
            key=f"adjust-{account.pk}-{key}",
            kind="adjust",
            currency=account.currency,
            lines=[
                ledger.Line(LedgerAccount.BANK, amount_minor),
                ledger.Line(LedgerAccount.PREPAID, -amount_minor, str(account.pk)),
            ],
            text=reason.strip(),
            account=account,
        )
        if entry is not None:
            account.balance_minor += amount_minor
            account.save(update_fields=["balance_minor"])
            audit.record(access, "account.adjusted", account, amount_minor=amount_minor, reason=reason.strip())
    return account


def topped_up(collection: Collection) -> int:
    """A top-up was paid: the balance has it, in the paying transaction, once. Nothing of it is too much."""
    account = Account.objects.select_for_update().get(pk=collection.account_id or 0)
    entry = ledger.post(
        organization_id=account.organization_id,
        key=f"collection-{collection.pk}",
        kind="top_up",
        currency=account.currency,
        lines=[
            ledger.Line(LedgerAccount.CARD_CLEARING, collection.amount_minor),
            ledger.Line(LedgerAccount.PREPAID, -collection.amount_minor, str(account.pk)),
        ],
        account=account,
        collection=collection,
    )
    if entry is not None:
        account.balance_minor += collection.amount_minor
        account.save(update_fields=["balance_minor"])
    return 0


# Who draws on what ----------------------------------------------------------------------------------------------------


def own_balance(*, driver: Driver) -> Account:
    """The driver's prepaid balance, opened when he has none. It pays nothing until he says so (`use_balance`)."""
    with transaction.atomic():
        Driver.objects.select_for_update().get(pk=driver.pk)
        found = Account.objects.filter(driver=driver, kind=AccountKind.PREPAID, closed_at=None).first()
        if found is not None:
            return found
        return Account.objects.create(
            organization=driver.organization,
            kind=AccountKind.PREPAID,
            name=driver.name or driver.email,
            driver=driver,
            currency=driver.organization.currency,
            email=driver.email,
            language=driver.language or "en",
        )


def use_balance(*, driver: Driver, yes: bool) -> None:
    """The driver's own word: his sessions draw on his balance, or on his usual card again. Raises ValidationError when
    the operator has said otherwise (a fleet, a free policy).
    """
    with transaction.atomic():
        rule = FundingRule.objects.select_for_update().filter(driver=driver).first()
        if rule is not None and rule.source not in (FundingSource.PREPAID, FundingSource.CARD):
            raise ValidationError(_("Somebody else pays for your sessions; ask your operator."))
        if not yes:
            FundingRule.objects.filter(driver=driver, source=FundingSource.PREPAID).delete()
            return
        fields = {"source": FundingSource.PREPAID, "account": own_balance(driver=driver), "method": None}
        FundingRule.objects.update_or_create(
            driver=driver, token=None, group=None, defaults=fields | {"organization_id": driver.organization_id}
        )


def set_funding(
    *,
    access: Access,
    source: str,
    token: IdToken | None = None,
    driver: Driver | None = None,
    group: DriverGroup | None = None,
    account: Account | None = None,
    method: PaymentMethod | None = None,
) -> FundingRule:
    """Says how one token, driver or group is paid for, in place of what held before. Who lets it draw on an account
    needs the right over money. Raises PermissionDenied, ValidationError.
    """
    access.demand(Permission.MONEY if account else Permission.TOKENS)
    who = {name: row for name, row in (("token", token), ("driver", driver), ("group", group)) if row is not None}
    if len(who) != 1:
        raise ValidationError(_("Choose one: a token, a driver or a group."))
    ours = access.organization.pk
    if any(row.organization_id != ours for row in (*who.values(), account, method) if row is not None):
        raise PermissionDenied(_("This is not yours."))
    wanted = DRAWS_ON.get(FundingSource(source))
    if wanted and (account is None or account.kind != wanted):
        raise ValidationError({"account": _("Choose the account that it draws on.")})
    with transaction.atomic():
        rule, _made = FundingRule.objects.update_or_create(
            token=token,
            driver=driver,
            group=group,
            defaults={
                "organization_id": ours,
                "source": source,
                "account": account if wanted else None,
                "method": method if source == FundingSource.CARD else None,
            },
        )
        audit.record(access, "funding.set", next(iter(who.values())), source=source, account=str(account or ""))
    return rule


def clear_funding(*, access: Access, rule: FundingRule) -> None:
    """Back to the next rule: the driver's, his group's, his default card."""
    access.demand(Permission.MONEY if rule.account_id else Permission.TOKENS)
    if rule.organization_id != access.organization.pk:
        raise PermissionDenied(_("This is not yours."))
    with transaction.atomic():
        audit.record(access, "funding.cleared", rule, source=rule.source)
        rule.delete()


def _demand(access: Access, account: Account) -> None:
    access.demand(Permission.MONEY)
    if account.organization_id != access.organization.pk:
        raise PermissionDenied(_("This account is not yours."))
