"""What a driver's account shows him, and what operators see of drivers' cards and debts."""

from dataclasses import dataclass

from django.db.models import F, Prefetch, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from billing.models import Bill, Collection, Debt, Enrolment, FundingRule, Payment, PaymentMethod, Receipt
from billing.vocabulary import DebtState, EnrolmentState, FundingSource, MethodState, PaymentState
from evcms.core.access import Access
from sessions.models import ChargingSession, Driver, IdToken
from stations.queries import visible_sites


@dataclass(frozen=True)
class Visit:
    """One session as its driver sees it."""

    session: ChargingSession
    bill: Bill | None
    receipt: Receipt | None
    payment: Payment | None


def cards_of(driver: Driver) -> QuerySet[PaymentMethod]:
    """The usual one first."""
    rows = PaymentMethod.objects.filter(driver=driver).exclude(state=MethodState.REMOVED)
    return rows.order_by("-is_default", "-pk")


def usual_card(driver: Driver) -> PaymentMethod | None:
    """The card that pays when nothing else is said; None when there is none that works."""
    return PaymentMethod.objects.filter(driver=driver, is_default=True, state=MethodState.ACTIVE).first()


def tokens_of(driver: Driver) -> list[tuple[IdToken, str, int | None]]:
    """(token, how it is paid in words, the card chosen for it or None); guests' tokens of one start are left out."""
    tokens = IdToken.objects.filter(driver=driver, guest=False).order_by("type", "pk")
    rules = {rule.token_id: rule for rule in FundingRule.objects.filter(token__in=tokens).select_related("account")}
    return [(token, _paid_by(rules.get(token.pk)), _own_card(rules.get(token.pk))) for token in tokens]


def _paid_by(rule: FundingRule | None) -> str:
    """Empty when the driver himself chooses among his cards."""
    if rule is None or rule.source == FundingSource.CARD:
        return ""
    return rule.account.name if rule.account else str(FundingSource(rule.source).label)


def _own_card(rule: FundingRule | None) -> int | None:
    return rule.method_id if rule else None


def cars_of(driver: Driver) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(driver=driver).exclude(state=EnrolmentState.ENDED).order_by("-pk")


def debts_of(driver: Driver) -> QuerySet[Debt]:
    """Open ones, oldest first."""
    rows = Debt.objects.filter(driver=driver, state=DebtState.OPEN)
    return rows.select_related("bill__session__station", "bill__session__site").order_by("pk")


def debt(public_id: str) -> Debt | None:
    """By the unguessable id of its link."""
    rows = Debt.objects.select_related("organization", "driver", "bill__session__station", "bill__session__site")
    return rows.filter(public_id=public_id).first()


def open_debt_of(session: ChargingSession) -> Debt | None:
    return Debt.objects.filter(bill__session=session, state=DebtState.OPEN).first()


def running_of(driver: Driver) -> QuerySet[ChargingSession]:
    return ChargingSession.objects.filter(driver=driver, ended_at=None, authorized=True).select_related(
        "station", "site", "payment"
    )


def starting_of(driver: Driver) -> QuerySet[Payment]:
    """Holds of his that wait for the car: no session yet."""
    rows = Payment.objects.filter(driver=driver, session=None, state=PaymentState.AUTHORIZED)
    return rows.select_related("connector__station").order_by("pk")


def visits(driver: Driver, most: int = 100) -> list[Visit]:
    """His ended sessions, newest first, with what they cost."""
    receipts = Prefetch("bill__receipts", Receipt.objects.filter(refund=None).order_by("-pk"))
    rows = ChargingSession.objects.filter(driver=driver, ended_at__isnull=False)
    near = ("station", "site", "bill", "payment", "connector__station", "connector__evse")
    rows = rows.select_related(*near).prefetch_related(receipts)
    return [_visit(session) for session in rows[:most]]


def documents_of(driver: Driver, most: int) -> list[Receipt]:
    """Receipts, credit notes and corrections of his charges, newest first."""
    return list(Receipt.objects.filter(bill__session__driver=driver).order_by("-pk")[:most])


def payments_of(driver: Driver, most: int) -> list[Payment]:
    """What was held and taken for his charges, newest first."""
    rows = Payment.objects.filter(driver=driver).select_related("connector__station__site", "connector__evse")
    return list(rows.order_by("-pk")[:most])


def collections_of(driver: Driver, most: int) -> list[Collection]:
    """What he paid otherwise: top-ups, open amounts. Newest first."""
    return list(Collection.objects.filter(driver=driver).order_by("-pk")[:most])


def _visit(session: ChargingSession) -> Visit:
    bill = getattr(session, "bill", None)
    receipt = next(iter(bill.receipts.all()), None) if bill else None
    return Visit(session, bill, receipt, getattr(session, "payment", None))


# Operators ------------------------------------------------------------------------------------------------------------


def drivers(access: Access) -> QuerySet[Driver]:
    """Those with a name, an address or an account; not the guests of one start."""
    rows = Driver.objects.filter(organization=access.organization)
    return rows.exclude(name="", email="", user=None).select_related("user", "group").order_by("name", "email", "pk")


def debts(access: Access) -> QuerySet[Debt]:
    """The visible debts, newest first."""
    rows = Debt.objects.filter(organization=access.organization)
    if not access.all_sites:
        rows = rows.filter(bill__session__site__in=visible_sites(access))
    return rows.select_related("driver", "bill__session__station", "bill__session__site").order_by("-pk")


def owed(rows: QuerySet[Debt]) -> list[tuple[str, int]]:
    """(currency, what is open of these debts)."""
    open_ = rows.filter(state=DebtState.OPEN).order_by().values("currency")
    sums = open_.annotate(total=Sum(F("amount_minor") - F("collected_minor"))).order_by("currency")
    return [(row["currency"], row["total"]) for row in sums]


def way_of(driver: Driver) -> str:
    """How a driver is paid for, in words."""
    rules = FundingRule.objects.filter(Q(driver=driver) | Q(group=driver.group_id, group__isnull=False))
    rule = rules.select_related("account").order_by("group", "pk").first()  # his own (no group) before his group's
    if rule is not None:
        return _paid_by(rule) or str(FundingSource.CARD.label)
    card = usual_card(driver)
    return card.card if card else _("no way to pay")
