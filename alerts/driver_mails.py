"""What a driver with an account, or a fleet, must hear: a refused card, an open amount, a seen car, a month."""

from django.conf import settings

from alerts.services.notifications import notify
from billing import driver_facts as billing
from billing.events import CardRefused, CarSeen, DebtOpened, LinkRenewed, StatementIssued
from evcms.core.events import subscribe


@subscribe(CardRefused, "alerts.mail_card_refused")
def mail_card_refused(fact: CardRefused) -> None:
    """His charge was stopped; a start on the web tells him on the page itself."""
    card = billing.refused_card(fact.payment_id)
    if not card.email or not card.session:
        return
    notify(
        key=f"card-refused:{fact.payment_id}",
        template="card_refused",
        to=card.email,
        language=card.language,
        organization_id=card.organization_id,
        context={"card": card, "page": f"{settings.PUBLIC_URL}/account/"},
    )


@subscribe(DebtOpened, "alerts.mail_debt")
def mail_debt(fact: DebtOpened) -> None:
    """Its link is the key: who has it may pay, as long as it works."""
    _mail_debt(fact.debt_id, key=f"debt:{fact.debt_id}")


def _mail_debt(debt_id: int, *, key: str) -> None:
    debt = billing.open_debt(debt_id)
    if not debt.email or not debt.open:
        return
    notify(
        key=key,
        template="debt",
        to=debt.email,
        language=debt.language,
        organization_id=debt.organization_id,
        context={"debt": debt, "page": f"{settings.PUBLIC_URL}/debt/{debt.public_id}"},
    )


@subscribe(CarSeen, "alerts.mail_car_seen")
def mail_car_seen(fact: CarSeen) -> None:
    """The car waits for his word; without it nothing is charged by plugging in."""
    car = billing.seen_car(fact.enrolment_id)
    if not car.email or not car.offered:
        return
    notify(
        key=f"car-seen:{fact.enrolment_id}",
        template="car_seen",
        to=car.email,
        language=car.language,
        organization_id=car.organization_id,
        context={"car": car, "page": f"{settings.PUBLIC_URL}/account/#cars"},
    )


@subscribe(StatementIssued, "alerts.mail_statement")
def mail_statement(fact: StatementIssued) -> None:
    """Its link is the key: who has it may read and pay the month, as long as it works."""
    _mail_statement(fact.statement_id, key=f"statement:{fact.statement_id}")


@subscribe(LinkRenewed, "alerts.mail_link")
def mail_link(fact: LinkRenewed) -> None:
    if fact.debt_id is not None:
        _mail_debt(fact.debt_id, key=f"debt:{fact.debt_id}:{fact.number}")
    elif fact.statement_id is not None:
        _mail_statement(fact.statement_id, key=f"statement:{fact.statement_id}:{fact.number}")


def _mail_statement(statement_id: int, *, key: str) -> None:
    statement = billing.issued_statement(statement_id)
    if not statement.email:
        return
    notify(
        key=key,
        template="statement",
        to=statement.email,
        language=statement.language,
        organization_id=statement.organization_id,
        context={"statement": statement, "page": f"{settings.PUBLIC_URL}/statement/{statement.public_id}"},
    )
