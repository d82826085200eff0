"""A fleet's monthly statement: the document, written once, and its paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Bill, Statement, StatementCorrection
from billing.vocabulary import StatementKind
from billing.wording import kwh
from evcms.core.figures import amount, exact

if TYPE_CHECKING:
    from evcms.core.paper import Paper


def document(
    *, statement: Statement, bills: Sequence[Bill], changes: Sequence[StatementCorrection] = ()
) -> dict[str, Any]:
    """Any: JSON. Minor units beside their texts; times in the organization's zone. `changes`: of earlier ones."""
    account, seller = statement.account, statement.organization
    zone = ZoneInfo(seller.time_zone)
    with translation.override(account.language):
        lines = [_line(bill, zone, statement.currency) for bill in bills]
        return {
            "version": 2,
            "kind": str(statement.kind),
            "number": statement.number,
            "language": account.language,
            "currency": statement.currency,
            "issued_on": _day(statement.issued_at, zone),
            "due_on": date_format(statement.due_on, "DATE_FORMAT"),
            "month": date_format(statement.starts_at.astimezone(zone), "YEAR_MONTH_FORMAT"),
            "time_zone": str(zone),
            "seller": {
                "name": seller.legal_name or seller.name, "address": seller.address, "country": seller.country,
                "vat_id": seller.vat_id, "email": seller.support_email, "phone": seller.support_phone,
            },
            "buyer": {
                "name": account.legal_name or account.name, "address": account.address, "country": account.country,
                "vat_id": account.vat_id,
            },
            "lines": lines,
            "corrections": [_correction(change, zone, statement.currency) for change in changes],
            "taxes": _taxes(bills, changes, statement.currency),
            "energy_mwh": sum(line["energy_mwh"] for line in lines) + sum(change.energy_mwh for change in changes),
            "net": statement.net_minor, "net_text": amount(statement.net_minor, statement.currency),
            "tax": statement.tax_minor, "tax_text": amount(statement.tax_minor, statement.currency),
            "total": statement.total_minor, "total_text": amount(statement.total_minor, statement.currency),
        }  # fmt: skip


def _line(bill: Bill, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    session = bill.session
    who = session.id_token.label or session.id_token.value if session.id_token else session.token_value
    return {
        "session": session.public_id,
        "at": session.started_at.astimezone(zone).isoformat(timespec="minutes"),
        "day": _day(session.started_at, zone),
        "place": str(session.station),
        "who": " · ".join(dict.fromkeys(part for part in (str(session.driver or ""), who) if part)),
        "energy_mwh": session.energy_mwh,
        "energy": kwh(session.energy_mwh),
        "net": bill.net_minor,
        "tax": bill.tax_minor,
        "total": bill.total_minor,
        "total_text": amount(bill.total_minor, currency),
    }


def _correction(change: StatementCorrection, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    session = change.bill.session
    return {
        "corrects": change.statement.number,
        "session": session.public_id,
        "at": session.started_at.astimezone(zone).isoformat(timespec="minutes"),
        "day": _day(session.started_at, zone),
        "place": str(session.station),
        "reason": change.reason,
        "energy_mwh": change.energy_mwh,
        "energy": kwh(change.energy_mwh),
        "net": change.net_minor,
        "tax": change.tax_minor,
        "total": change.total_minor,
        "total_text": amount(change.total_minor, currency),
    }


def _taxes(bills: Sequence[Bill], changes: Sequence[StatementCorrection], currency: str) -> list[dict[str, Any]]:
    sums: dict[Decimal, list[int]] = defaultdict(lambda: [0, 0])
    for bill in bills:
        for row in (bill.trace or {}).get("taxes", []):
            both = sums[Decimal(row["percent"])]
            both[0] += row["net"]
            both[1] += row["tax"]
    for change in changes:
        for row in change.taxes:
            both = sums[Decimal(row["rate"] or "0")]
            both[0] += row["net"]
            both[1] += row["tax"]
    return [
        {
            "percent": exact(str(rate)), "net": net, "net_text": amount(net, currency), "tax": tax,
            "tax_text": amount(tax, currency),
        }
        for rate, (net, tax) in sorted(sums.items())
    ]  # fmt: skip


def _day(at: datetime, zone: ZoneInfo) -> str:
    return date_format(at.astimezone(zone), "SHORT_DATE_FORMAT")


def pdf(statement: Statement) -> bytes:
    """The same bytes for the same statement."""
    from evcms.core.paper import Paper  # the printing library is a third of a second: only who prints loads it

    said = statement.document
    with translation.override(said["language"]):
        page = Paper(said["number"])
        page.set_creation_date(statement.issued_at)
        _head(page, said)
        for line in said["lines"]:
            page.row(
                f"{line['day']}  {line['place']}"[:42], f"{line['who']}  {line['energy']}"[:40], line["total_text"]
            )
        for line in said.get("corrections", []):
            words = {"number": line["corrects"], "day": line["day"]}
            page.row(
                (_("Correction of %(number)s, %(day)s") % words)[:42], f"{line['place']}  {line['energy']}"[:40],
                line["total_text"],
            )  # fmt: skip
            page.text_line(line["reason"], 8, grey=True)
        page.rule()
        for tax in said["taxes"]:
            page.row(
                _("VAT %(rate)s %% on %(net)s") % {"rate": tax["percent"], "net": tax["net_text"]}, "", tax["tax_text"]
            )
        page.row(_("Total"), "", said["total_text"], bold=True)
        return bytes(page.output())


def _head(page: Paper, said: dict[str, Any]) -> None:
    seller, buyer = said["seller"], said["buyer"]
    page.text_line(seller["name"], 15, bold=True)
    vat = _("VAT id") + f" {seller['vat_id']}" if seller["vat_id"] else ""
    for text in filter(None, [seller["address"], seller["country"], vat]):
        page.text_line(text, 8.5, grey=True)
    page.ln(8)
    words = {"number": said["number"], "month": said["month"]}
    credit = said.get("kind") == StatementKind.CREDIT
    title = _("Credit note %(number)s, %(month)s") if credit else _("Statement %(number)s, %(month)s")
    page.text_line(title % words, 13, bold=True)
    page.rule()
    page.pair(_("To"), "\n".join(filter(None, [buyer["name"], buyer["address"], buyer["country"], buyer["vat_id"]])))
    page.pair(_("Issued"), said["issued_on"])
    if said["total"] > 0:
        page.pair(_("To be paid by"), said["due_on"])
    page.rule()
