"""All that we know of a driver, as files that he takes with him (GDPR articles 15 and 20): JSON, and charges as CSV."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from alerts import queries as alerts
from billing import queries as billing
from billing.models import Account
from billing.queries import purses
from evcms.core import clock, sheets
from evcms.core.money import to_major
from evcms.public import drivers
from evcms.public.views import tell
from sessions.models import Driver

MOST: Final = 100_000  # charges
COLUMNS: Final = (
    "started_at", "ended_at", "place", "address", "station", "energy_kwh", "total", "currency", "receipt", "paid_by",
)  # fmt: skip
Json = dict[str, Any]  # Any: JSON


def archive(driver: Driver) -> bytes:
    """A ZIP of account.json and charges.csv."""
    charges = list(_charges(driver))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:
        account = _account(driver) | {"charges": [dict(zip(COLUMNS, row, strict=True)) for row in charges]}
        pack.writestr("account.json", json.dumps(account, indent=1, ensure_ascii=False, default=str))
        pack.writestr("charges.csv", sheets.as_csv(COLUMNS, charges))
    return target.getvalue()


def _account(driver: Driver) -> Json:
    recipient = tell.recipient_of(tell.Asker(driver=driver))
    seen = drivers.overview(driver)
    return {
        "made_at": clock.now().isoformat(),
        "operator": driver.organization.name,
        "name": driver.name,
        "email": driver.email,
        "sign_in": driver.user.email if driver.user else "",
        "phone": driver.phone,
        "language": driver.language,
        "group": driver.group.name if driver.group else "",
        "since": driver.created_at.isoformat(),
        "cards": [{"card": str(card.card), "state": card.state} for card in seen.cards],
        "tokens": [
            {"value": token.value, "type": token.type, "label": token.label, "paid_by": paid_by}
            for token, paid_by, _card in seen.tokens
        ],
        "cars": [{"label": car.label, "state": car.state} for car in seen.cars],
        "open_amounts": [
            {"amount": str(to_major(debt.amount_minor, debt.currency)), "currency": debt.currency}
            for debt in seen.debts
        ],
        "balances": [_balance(account) for account in purses.balances_of(driver)],
        "messages": [str(wish) for wish in alerts.wishes_of(recipient)] if recipient else [],
        "addresses": [
            {"channel": each.channel, "address": each.address} for each in recipient.destinations.order_by("position")
        ]
        if recipient
        else [],
    }


def _balance(account: Account) -> Json:
    """With everything that moved it: plus is what came, minus what went."""

    def major(minor: int) -> str:
        return str(to_major(minor, account.currency))

    return {
        "currency": account.currency,
        "balance": major(account.balance_minor),
        "set_aside": major(account.held_minor),
        "reference": account.reference,
        "movements": [
            {
                "at": line.entry.at.isoformat(timespec="seconds"),
                "what": line.entry.kind,
                "where": str(line.entry.bill.session.station) if line.entry.bill else "",
                "text": line.entry.text,
                "amount": major(line.owed),
            }
            for line in purses.movements(account)[:MOST]
        ],
    }


def _charges(driver: Driver) -> Iterator[tuple[object, ...]]:
    for visit in billing.visits(driver, MOST):
        session, bill = visit.session, visit.bill
        site = session.site
        money = (to_major(bill.total_minor or 0, bill.currency), bill.currency) if bill and bill.currency else ("", "")
        yield (
            session.started_at.isoformat(timespec="seconds"),
            session.ended_at.isoformat(timespec="seconds") if session.ended_at else "",
            site.name if site else "",
            f"{site.address}, {site.postal_code} {site.city}".strip(", ") if site else "",
            str(session.station),
            f"{session.energy_mwh / 1_000_000:.3f}",
            *money,
            visit.receipt.number if visit.receipt else "",
            bill.source if bill else "",
        )
