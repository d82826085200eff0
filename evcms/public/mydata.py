"""All that we know of a driver, in files that he takes with him (GDPR articles 15 and 20): JSON, CSV, his photos.

Moments stand in UTC and, beside it, on the clock of the place or of the operator (`…_local`).
"""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from alerts import photos
from alerts import queries as alerts
from alerts.models import Recipient
from billing import queries as billing
from billing.models import Account
from billing.queries import purses
from evcms.core import clock, sheets
from evcms.core.money import to_major
from evcms.public import drivers
from evcms.public.views import tell
from sessions.models import Driver
from stations.models import Site

MOST: Final = 100_000  # charges, documents, messages
COLUMNS: Final = (
    "started_at", "ended_at", "place", "address", "station", "energy_kwh", "total", "currency", "receipt", "paid_by",
    "connector", "started_local", "ended_local", "time_zone",
)  # fmt: skip
Json = dict[str, Any]  # Any: JSON


def archive(driver: Driver) -> bytes:
    """A ZIP of account.json, charges.csv, messages.json, payments.json, receipts.json and the photos he sent."""
    charges = list(_charges(driver))
    recipient = tell.recipient_of(tell.Asker(driver=driver))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:
        account = _account(driver, recipient) | {"charges": [dict(zip(COLUMNS, row, strict=True)) for row in charges]}
        files = {
            "account.json": account,
            "messages.json": _messages(driver, recipient),
            "payments.json": _payments(driver),
            "receipts.json": _receipts(driver),
        }
        for name, said in files.items():
            pack.writestr(name, json.dumps(said, indent=1, ensure_ascii=False, default=str))
        pack.writestr("charges.csv", sheets.as_csv(COLUMNS, charges))
        for report in account["problem_reports"]:
            _add_photo(pack, report["photo"])
    return target.getvalue()


def _account(driver: Driver, recipient: Recipient | None) -> Json:
    seen, zone = drivers.overview(driver), driver.organization.time_zone
    return {
        **_moment("made", clock.now(), zone),
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
        "balances": [_balance(account, zone) for account in purses.balances_of(driver)],
        "messages": [str(wish) for wish in alerts.wishes_of(recipient)] if recipient else [],
        "message_settings": _settings(recipient) if recipient else {},
        "addresses": [
            {"channel": each.channel, "address": each.address} for each in recipient.destinations.order_by("position")
        ]
        if recipient
        else [],
        "problem_reports": _reports(recipient) if recipient else [],
    }


def _settings(recipient: Recipient) -> Json:
    """How he wants to be told."""
    return {
        "language": recipient.language,
        "time_zone": recipient.time_zone,
        "quiet_from": recipient.quiet_from,
        "quiet_until": recipient.quiet_until,
        "how_often": recipient.digest,
        "digest_at": recipient.digest_at,
        "of_a_charge": recipient.charge,
        "planned_work_where_you_often_charge": recipient.often,
    }


def _reports(recipient: Recipient) -> list[Json]:
    """`photo`: its name in the archive."""
    return [
        {
            **_moment("reported", row.created_at, _zone(row.connector.station.site, recipient)),
            **_moment("fixed", row.closed_at, _zone(row.connector.station.site, recipient)),
            "connector": str(row.connector),
            "problem": str(row.get_problem_display()),
            "text": row.text,
            "photo": row.photo,
        }
        for row in alerts.reports_by(recipient, MOST)
    ]


def _zone(site: Site | None, recipient: Recipient) -> str:
    return site.time_zone if site else recipient.organization.time_zone


def _add_photo(pack: zipfile.ZipFile, name: str) -> None:
    if name and (file := photos.path_of(name)).exists():
        pack.write(file, name, zipfile.ZIP_STORED)


def _messages(driver: Driver, recipient: Recipient | None) -> list[Json]:
    """What was written to him, as long as its words are kept."""
    zone, organization = driver.organization.time_zone, driver.organization_id
    address = driver.email or (driver.user.email if driver.user else "")
    return [
        {
            **_moment("made", row.created_at, zone),
            **_moment("sent", row.sent_at, zone),
            "channel": row.channel,
            "to": row.to,
            "subject": row.subject,
            "text": row.text or row.short,
            "state": row.state,
        }
        for row in alerts.messages_to(recipient, address, organization, MOST)
    ]


def _payments(driver: Driver) -> list[Json]:
    """What was held and taken for charges, and what he paid otherwise (top-ups, open amounts)."""
    zone = driver.organization.time_zone
    charges = [
        {
            **_moment("opened", row.created_at, zone),
            **_moment("settled", row.settled_at, zone),
            "for": str(row.connector),
            "paid_by": row.card or row.kind,
            "state": row.state,
            "held": str(to_major(row.hold_minor, row.currency)),
            "taken": str(to_major(row.captured_minor, row.currency)),
            "given_back": str(to_major(row.refunded_minor, row.currency)),
            "currency": row.currency,
            "reference": row.public_id,
        }
        for row in billing.payments_of(driver, MOST)
    ]
    others = [
        {
            **_moment("opened", row.created_at, zone),
            **_moment("settled", row.paid_at, zone),
            "for": row.purpose,
            "paid_by": row.card,
            "state": row.state,
            "taken": str(to_major(row.amount_minor, row.currency)) if row.paid_at else "0",
            "given_back": str(to_major(row.refunded_minor, row.currency)),
            "currency": row.currency,
            "reference": row.public_id,
        }
        for row in billing.collections_of(driver, MOST)
    ]
    return [*charges, *others]


def _receipts(driver: Driver) -> list[Json]:
    """The documents whole, and where each is as a page and as PDF."""
    return [
        {
            "number": row.number,
            "page": f"{settings.PUBLIC_URL}/r/{row.public_id}",
            "pdf": f"{settings.PUBLIC_URL}/r/{row.public_id}.pdf",
            "document": row.document,
        }
        for row in billing.documents_of(driver, MOST)
    ]


def _balance(account: Account, zone: str) -> Json:
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
                "at_local": _local(line.entry.at, zone),
                "what": line.entry.kind,
                "where": str(line.entry.bill.session.station) if line.entry.bill else "",
                "text": line.entry.text,
                "amount": major(line.owed),
            }
            for line in purses.movements(account)[:MOST]
        ],
    }


def _moment(name: str, at: datetime | None, zone: str) -> dict[str, str]:
    if at is None:
        return {f"{name}_at": "", f"{name}_local": ""}
    return {f"{name}_at": at.isoformat(timespec="seconds"), f"{name}_local": _local(at, zone)}


def _local(at: datetime | None, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") if at else ""


def _charges(driver: Driver) -> Iterator[tuple[object, ...]]:
    for visit in billing.visits(driver, MOST):
        session, bill = visit.session, visit.bill
        site = session.site
        zone = site.time_zone if site else driver.organization.time_zone
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
            str(session.connector) if session.connector else "",
            _local(session.started_at, zone),
            _local(session.ended_at, zone),
            zone,
        )
