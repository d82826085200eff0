"""A receipt or credit note on A4, from its stored document, nothing re-computed. DejaVu for every script and €."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext as _

from billing.models import Receipt
from billing.vocabulary import ReceiptKind

if TYPE_CHECKING:
    from evcms.core.paper import Paper


def pdf(receipt: Receipt) -> bytes:
    """The same bytes for the same receipt: its date is the issue's, not today's."""
    from evcms.core.paper import Paper  # the printing library is a third of a second: only who prints loads it

    said = receipt.document
    with translation.override(said["language"]):
        page = Paper(said["number"])
        page.set_creation_date(receipt.issued_at)
        _head(page, said)
        _buyer(page, said)
        _facts(page, said)
        _lines(page, said)
        _totals(page, said)
        return bytes(page.output())


def _head(page: Paper, said: dict[str, Any]) -> None:
    """Any: a receipt's document."""
    seller = said["seller"]
    page.text_line(seller["name"], 15, bold=True)
    lines = [seller["address"], seller["country"], _("VAT id") + f" {seller['vat_id']}" if seller["vat_id"] else ""]
    contact = " · ".join(part for part in (seller["email"], seller["phone"]) if part)
    for line in filter(None, [*lines, contact]):
        page.text_line(line, 8.5, grey=True)
    page.ln(8)
    page.text_line(title(said), 13, bold=True)
    page.text_line(said["issued_at"]["text"], 9, grey=True)
    if said["corrects"]:
        page.text_line(about(said), 9)
    page.rule()


def title(said: dict[str, Any]) -> str:
    """Any: a document."""
    words = _("Credit note %(number)s") if said["kind"] == ReceiptKind.CREDIT else _("Receipt %(number)s")
    return words % {"number": said["number"]}


def about(said: dict[str, Any]) -> str:
    """Which document it takes back or replaces, and why. Any: a document."""
    if not said["corrects"]:
        return ""
    credit = said["kind"] == ReceiptKind.CREDIT
    words = _("Takes back receipt %(number)s") if credit else _("Replaces receipt %(number)s")
    if said.get("partial"):
        words = _("Gives back a part of receipt %(number)s") if credit else _("Takes back credit note %(number)s")
    text = words % {"number": said["corrects"]}
    return f"{text}: {said['reason']}" if said["reason"] else text


def _buyer(page: Paper, said: dict[str, Any]) -> None:
    buyer = said["buyer"]
    lines = [
        buyer["name"],
        buyer["address"],
        buyer["country"],
        f"{_('VAT id')} {buyer['vat_id']}" * bool(buyer["vat_id"]),
    ]
    if any(lines):
        page.pair(_("Buyer"), "\n".join(filter(None, lines)))
        page.rule()


def _facts(page: Paper, said: dict[str, Any]) -> None:
    place, session = said["place"], said["session"]
    where = ", ".join(part for part in (place["site"], place["address"], place["city"], place["country"]) if part)
    page.pair(_("Place"), where or place["station"])
    point = place["connector"] + (f" ({place['evse_id']})" if place["evse_id"] else "")
    page.pair(_("Charging point"), point)
    page.pair(_("Begin"), f"{session['started_at']['text']} ({session['time_zone']})")
    page.pair(_("End"), f"{session['ended_at']['text']} · {session['duration']}")
    page.pair(_("Energy"), session["energy"] + (" (" + _("estimated") + ")" if session["estimated"] else ""))
    page.pair(_("Session"), session["id"])
    page.rule()


def _lines(page: Paper, said: dict[str, Any]) -> None:
    for line in said["lines"]:
        if not line["quantity"] and not line["amount"]:
            continue  # a part of the tariff that did not come to bear
        text = line["text"]
        middle = " × ".join(part for part in (text["quantity"], text["unit_price"]) if part)
        page.row(text["label"], middle, text["amount"])
    page.rule()


def _totals(page: Paper, said: dict[str, Any]) -> None:
    page.row(_("Net"), "", said["tax"]["net_text"])
    for row in said["taxes"]:
        base = _("on %(net)s") % {"net": row["net_text"]} if len(said["taxes"]) > 1 else ""
        page.row(_("VAT %(percent)s %%") % {"percent": row["percent"]}, base, row["tax_text"])
    page.row(_("Total"), "", said["total_text"], bold=True)
    page.ln(2)
    credit = said["kind"] == ReceiptKind.CREDIT
    page.row(_("Taken back") if credit else _("Paid"), said["paid_by"], said["paid_text"])
    if said.get("left"):  # receipts of earlier versions do not say it
        page.row(_("Left on the voucher"), "", said["left"])
    if said["open"]:
        page.row(_("Not charged"), "", said["open_text"])
        page.text_line(said["open_reason"], 8, grey=True)
    page.ln(6)
    page.text_line(_("Payment reference") + " " + said["reference"], 8, grey=True)
