"""How a session is paid: found from its token and driver, written on its bill; and the word on a card that has no way.

The most particular rule wins: the token's, the driver's, his group's; then the driver's default card; else nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import Q, Sum

from billing.models import Account, BillingSettings, Debt, FundingRule, PaymentMethod
from billing.vocabulary import AccountKind, DebtState, FundingSource, MethodState
from evcms.core.prepared import PreparedMany
from sessions.models import Driver, IdToken
from sessions.vocabulary import TokenType, Verdict

STATIONS_OWN: Final = (TokenType.DIRECT_PAYMENT,)


class Payer(NamedTuple):
    """Whom a rule may name. Ids that are None match nothing."""

    token_id: int | None
    driver_id: int | None
    group_id: int | None


_RULES: Final = PreparedMany(
    lambda payers: (
        FundingRule.objects.filter(
            Q(token_id__in=[token for token, _, _ in payers])
            | Q(driver_id__in=[driver for _, driver, _ in payers])
            | Q(group_id__in=[group for _, _, group in payers])
        )
        .order_by()
        .select_related("account", "method")
    ),
    int,
    int,
    int,
)
_CARDS: Final = PreparedMany(
    lambda driver_ids: PaymentMethod.objects.filter(driver_id__in=driver_ids, is_default=True).order_by(), int
)
_OWED: Final = PreparedMany(
    lambda driver_ids: (
        Debt.objects.filter(driver_id__in=driver_ids, state=DebtState.OPEN)
        .order_by()
        .values_list("driver_id")
        .annotate(owed=Sum("amount_minor") - Sum("collected_minor"))
    ),
    int,
)
_SETTINGS: Final = PreparedMany(
    lambda organization_ids: BillingSettings.objects.filter(organization_id__in=organization_ids).order_by(), int
)


@dataclass(frozen=True)
class Choice:
    """A way to pay, and what it draws on."""

    source: FundingSource
    account: Account | None = None
    method: PaymentMethod | None = None

    @property
    def account_id(self) -> int | None:
        return self.account.pk if self.account else None


NOTHING: Final = Choice(FundingSource.NONE)


def choose(*, token_id: int | None, driver_id: int | None, group_id: int | None) -> Choice:
    payer = Payer(token_id, driver_id, group_id)
    return choose_many([payer])[payer]


def choose_many(payers: Iterable[Payer]) -> dict[Payer, Choice]:
    """Two queries at most."""
    wanted = list(dict.fromkeys(payers))
    rules = _RULES.rows([(token or 0, driver or 0, group or 0) for token, driver, group in wanted])  # 0: nobody
    rule_of = {(rule.token_id, rule.driver_id, rule.group_id): rule for rule in rules}
    best = {payer: rule for payer in wanted if (rule := _most_particular(payer, rule_of))}
    asked = {payer.driver_id for payer in wanted if payer.driver_id and _needs_card(best.get(payer))}
    cards = {card.driver_id: card for card in _CARDS.rows([(driver_id,) for driver_id in sorted(asked)])}
    return {payer: _choice(best.get(payer), cards.get(payer.driver_id or 0)) for payer in wanted}


Rules = dict[tuple[int | None, int | None, int | None], FundingRule]


def _most_particular(payer: Payer, rules: Rules) -> FundingRule | None:
    token, driver, group = payer
    names = (token, None, None), (None, driver, None), (None, None, group)
    return next((rule for name in names if (rule := rules.get(name))), None)


def _needs_card(rule: FundingRule | None) -> bool:
    return rule is None or (rule.method is None and rule.source == FundingSource.CARD)


def _choice(rule: FundingRule | None, card: PaymentMethod | None) -> Choice:
    if rule is not None:
        return Choice(FundingSource(rule.source), rule.account, card if _needs_card(rule) else rule.method)
    return Choice(FundingSource.CARD, method=card) if card else NOTHING


def judge(tokens: Sequence[IdToken]) -> list[Verdict | None]:
    """Money's word on tokens that would be accepted: None, or why one may not charge (OCPP: NoCredit; 1.6: Blocked)."""
    judged = [token for token in tokens if not (token.guest or token.type in STATIONS_OWN)]
    choices = choose_many(_payer(token) for token in judged)
    settings = {row.organization_id: row for row in _SETTINGS.rows(_keys(token.organization_id for token in judged))}
    owed = _owed(token.driver_id for token in judged if token.driver_id is not None)

    def may_not(token: IdToken) -> bool:
        choice, rules = choices[_payer(token)], settings.get(token.organization_id)
        owes_too_much = _is_too_much(owed.get(token.driver_id or 0, 0), rules)
        return _exhausted(choice) or owes_too_much or (choice == NOTHING and bool(rules and rules.refuse_unfunded))

    refused = {token.pk for token in judged if may_not(token)}  # the others are paid for by the payment that made them
    return [Verdict.NO_CREDIT if token.pk in refused else None for token in tokens]


def _payer(token: IdToken) -> Payer:
    return Payer(token.pk, token.driver_id, token.driver.group_id if token.driver else None)


def _keys(ids: Iterable[int]) -> list[tuple[int]]:
    return [(pk,) for pk in sorted(set(ids))]


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
    settings = _SETTINGS.rows([(driver.organization_id,)])
    return _is_too_much(_owed([driver.pk]).get(driver.pk, 0), settings[0] if settings else None)


def _owed(driver_ids: Iterable[int]) -> dict[int, int]:
    return dict(_OWED.tuples(_keys(driver_ids)))


def _is_too_much(owed: int, settings: BillingSettings | None) -> bool:
    return owed > 0 and owed > (settings.most_debt_minor if settings else 0)
