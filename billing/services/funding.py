"""How a session is paid: found from its token and driver, written on its bill; and the word on a card that has no way.

The most particular rule wins: the token's, the driver's, his group's; then the driver's default card; else nothing.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, Sum

from billing.models import Account, BillingSettings, Debt, FundingRule, PaymentMethod
from billing.vocabulary import AccountKind, DebtState, FundingSource, MethodState
from evcms.core.prepared import Prepared
from sessions.models import Driver, IdToken
from sessions.vocabulary import TokenType, Verdict

STATIONS_OWN: Final = (TokenType.DIRECT_PAYMENT,)
_RULES: Final = Prepared(
    lambda token_id, driver_id, group_id: (
        FundingRule.objects.filter(Q(token_id=token_id) | Q(driver_id=driver_id) | Q(group_id=group_id))
        .order_by()
        .select_related("account", "method")
    ),
    int,
    int,
    int,
)
_CARD: Final = Prepared(
    lambda driver_id: PaymentMethod.objects.filter(driver_id=driver_id, is_default=True),
    int,
)

_SETTINGS: Final = Prepared(
    lambda organization_id: BillingSettings.objects.filter(organization_id=organization_id), int
)


@dataclass(frozen=True)
class Choice:
    """A way to pay, and what it draws on."""

    source: FundingSource
    account: Account | None = None
    method: PaymentMethod | None = None


NOTHING: Final = Choice(FundingSource.NONE)


def choose(*, token_id: int | None, driver_id: int | None, group_id: int | None) -> Choice:
    """Two queries at most. Ids that are None match nothing."""
    rules = _RULES.rows(token_id or 0, driver_id or 0, group_id or 0)  # 0: nobody
    best = min(rules, key=_depth, default=None)
    if best is not None:
        return Choice(FundingSource(best.source), best.account, best.method or _default_card(driver_id, best))
    card = _CARD.first(driver_id) if driver_id else None
    return Choice(FundingSource.CARD, method=card) if card else NOTHING


def _depth(rule: FundingRule) -> int:
    return 0 if rule.token_id else 1 if rule.driver_id else 2


def _default_card(driver_id: int | None, rule: FundingRule) -> PaymentMethod | None:
    return _CARD.first(driver_id) if driver_id and rule.source == FundingSource.CARD else None


def judge(token: IdToken) -> Verdict | None:
    """Money's word on a token that would be accepted: None, or why it may not charge (OCPP: NoCredit; 1.6: Blocked)."""
    if token.guest or token.type in STATIONS_OWN:
        return None  # paid for by the payment that made it
    driver = token.driver
    choice = choose(token_id=token.pk, driver_id=token.driver_id, group_id=driver.group_id if driver else None)
    if _exhausted(choice) or _indebted(token) or (choice == NOTHING and _refuses_unfunded(token)):
        return Verdict.NO_CREDIT
    return None


def _exhausted(choice: Choice) -> bool:
    account = choice.account
    if choice.source == FundingSource.CARD:
        return choice.method is None or choice.method.state != MethodState.ACTIVE
    if account is None:
        return False
    if account.closed_at is not None:
        return True
    if account.kind == AccountKind.PREPAID:
        return account.balance_minor <= account.held_minor
    return account.limit_minor is not None and account.balance_minor >= account.limit_minor


def indebted(driver: Driver) -> bool:
    """Does he owe more than his operator lets a driver owe?"""
    return _owes_too_much(driver.pk, driver.organization_id)


def _indebted(token: IdToken) -> bool:
    return token.driver_id is not None and _owes_too_much(token.driver_id, token.organization_id)


def _owes_too_much(driver_id: int, organization_id: int) -> bool:
    open_ = Debt.objects.filter(driver_id=driver_id, state=DebtState.OPEN)
    owed = open_.aggregate(total=Sum("amount_minor") - Sum("collected_minor"))["total"] or 0
    return owed > 0 and owed > _most_debt(organization_id)


def _most_debt(organization_id: int) -> int:
    settings = _SETTINGS.first(organization_id)
    return settings.most_debt_minor if settings else 0


def _refuses_unfunded(token: IdToken) -> bool:
    settings = _SETTINGS.first(token.organization_id)
    return bool(settings and settings.refuse_unfunded)
