"""What a receipt says: written once when it is issued, in the payer's language and the site's time.

It stands on the bill and its session; a card payment is one of the ways to pay and may be missing (prepaid, voucher,
fleet). Nothing of it is computed again later: page, paper and mail read the stored document.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Account, Bill, Payment, Receipt
from billing.shares import Share
from billing.terms import plain
from billing.vocabulary import AccountKind, FundingSource, ReceiptKind
from billing.wording import cost_line, kwh, span
from evcms.core.figures import amount, exact
from stations.models import Connector, Site, Station

BY_CARD = (FundingSource.CARD, FundingSource.SCAN, FundingSource.READER)
LARGEST_STEP = 10  # minor units: cards in currencies with three decimals are charged in tens


def document(
    *,
    payment: Payment | None = None,
    bill: Bill,
    number: str,
    issued_at: datetime,
    corrects: str = "",
    reason: str = "",
) -> dict[str, Any]:
    """Any: JSON. Amounts are minor units beside their texts; times carry the site's offset.

    `corrects`: the number of the receipt that this one replaces, `reason` why.
    """
    with translation.override(language_of(payment, bill)):
        return {
            "version": 2,
            "kind": str(ReceiptKind.RECEIPT),
            "number": number,
            "corrects": corrects,
            "reason": reason,
            "language": translation.get_language(),
            "issued_at": _moment(issued_at, bill),
            "seller": _seller(bill),
            "buyer": _buyer(payment, bill),
            "place": _place(bill),
            "session": _session(bill),
            **_money(payment, bill),
            **_left(bill),
        }


def credit_note(*, receipt: Receipt, number: str, issued_at: datetime, reason: str) -> dict[str, Any]:
    """The document that takes a receipt back whole: the same lines and taxes with the opposite sign. Any: JSON."""
    said = _as_issued(receipt)
    zone = ZoneInfo(said["session"]["time_zone"])
    currency = said["currency"]
    with translation.override(said["language"]):
        turned: dict[str, Any] = said | {
            "kind": str(ReceiptKind.CREDIT),
            "number": number,
            "corrects": said["number"],
            "reason": reason,
            "issued_at": _written(issued_at.astimezone(zone)),
            "lines": [_turned_line(line, currency) for line in said["lines"]],
            "taxes": [_turned(row, ("net", "tax"), currency) for row in said["taxes"]],
            "tax": _turned(said["tax"], ("net", "tax"), currency),
            **_turned({"total": said["total"]}, ("total",), currency),
            **_turned({"paid": said["paid"]}, ("paid",), currency),
            "open": 0,
            "open_text": "",
            "open_reason": "",
        }
        return turned


def goodwill_note(
    *, receipt: Receipt, number: str, issued_at: datetime, reason: str, shares: Sequence[Share]
) -> dict[str, Any]:
    """The document that takes a part of a receipt back: a line and a tax row a rate, gross amounts. Any: JSON."""
    said, currency = _as_issued(receipt), receipt.currency
    with translation.override(said["language"]):
        taxes = [_tax_row(share, currency) for share in shares]
        net, tax = (-sum(getattr(share, name) for share in shares) for name in ("net", "tax"))
        turned: dict[str, Any] = said | {
            "kind": str(ReceiptKind.CREDIT),
            "partial": True,
            "number": number,
            "corrects": said["number"],
            "reason": reason,
            "issued_at": _written(issued_at.astimezone(ZoneInfo(said["session"]["time_zone"]))),
            "lines": [_goodwill_line(share, said["lines"], currency) for share in shares],
            "taxes": taxes,
            "tax": {
                "percent": " + ".join(row["percent"] for row in taxes), "included": True,
                "net": net, "net_text": amount(net, currency), "tax": tax, "tax_text": amount(tax, currency),
            },
            "total": net + tax, "total_text": amount(net + tax, currency),
            "paid": net + tax, "paid_text": amount(net + tax, currency),
            "open": 0, "open_text": "", "open_reason": "",
        }  # fmt: skip
        return turned


def undone_note(*, note: Receipt, number: str, issued_at: datetime) -> dict[str, Any]:
    """Takes a goodwill credit note back: the same with the opposite sign. Any: JSON."""
    with translation.override(note.document["language"]):
        reason = _("the card could not take the money")
    turned = credit_note(receipt=note, number=number, issued_at=issued_at, reason=reason)
    return turned | {"kind": str(ReceiptKind.RECEIPT)}


def _tax_row(share: Share, currency: str) -> dict[str, Any]:
    return {
        "percent": exact(share.rate or "0"), "rate": share.rate,
        "net": -share.net, "net_text": amount(-share.net, currency),
        "tax": -share.tax, "tax_text": amount(-share.tax, currency),
    }  # fmt: skip


def _goodwill_line(share: Share, lines: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    label = _("Given back, VAT %(percent)s %%") % {"percent": exact(share.rate or "0")}
    text = {"label": label, "quantity": "", "unit_price": "", "amount": amount(-share.gross, currency)}
    return {
        "part": "given_back", "quantity": 0, "per": 1, "unit_price": "0", "tax_percent": share.rate or "0",
        "rounding": lines[0]["rounding"] if lines else "half_up", "amount": -share.gross,
        "text": text | {"amount_minor": -share.gross},
    }  # fmt: skip


def _turned(row: dict[str, Any], names: tuple[str, ...], currency: str) -> dict[str, Any]:
    turned = dict(row)
    for name in names:
        turned[name] = -row[name]
        turned[f"{name}_text"] = amount(-row[name], currency)
    return turned


def _turned_line(line: dict[str, Any], currency: str) -> dict[str, Any]:
    text = line["text"] | {"amount": amount(-line["amount"], currency), "amount_minor": -line["amount"]}
    return line | {"amount": -line["amount"], "text": text}


def language_of(payment: Payment | None, bill: Bill) -> str:
    """The payer's: as the payment, the account or the driver has said; else the seller's."""
    if payment is not None:
        return payment.language
    said = bill.account.language if bill.account_id and bill.account else ""
    driver = bill.session.driver if bill.session.driver_id else None
    return said or (driver.language if driver else "") or bill.organization.language or "en"


def email_of(payment: Payment | None, bill: Bill) -> str:
    """Where the receipt goes: as the payment says, else the account, else the driver; empty when nobody said."""
    if payment is not None and payment.email:
        return payment.email
    if bill.account_id and bill.account and bill.account.email:
        return bill.account.email
    return bill.session.driver.email if bill.session.driver_id and bill.session.driver else ""


def _seller(bill: Bill) -> dict[str, str]:
    seller = bill.organization
    return {
        "name": seller.legal_name or seller.name, "address": seller.address, "country": seller.country,
        "vat_id": seller.vat_id, "email": seller.support_email, "phone": seller.support_phone,
    }  # fmt: skip


def _buyer(payment: Payment | None, bill: Bill) -> dict[str, str]:
    """Who asked for a document with his name on it: an account's legal name; texts are empty for everybody else."""
    account = _account_of(payment, bill)
    if account is None:
        return {"name": "", "address": "", "country": "", "vat_id": ""}
    return {
        "name": account.legal_name, "address": account.address, "country": account.country, "vat_id": account.vat_id,
    }  # fmt: skip


def _account_of(payment: Payment | None, bill: Bill) -> Account | None:
    if bill.account_id and bill.account:
        return bill.account if bill.account.legal_name or bill.account.vat_id else None
    driver_id = (payment.driver_id if payment else None) or bill.session.driver_id
    if driver_id is None:
        return None
    theirs = Account.objects.filter(driver_id=driver_id, closed_at=None, organization_id=bill.organization_id)
    return theirs.exclude(legal_name="").exclude(kind=AccountKind.FREE).order_by("pk").first()


def _site(bill: Bill) -> Site | None:
    """Where the session was, even when the station stands elsewhere now."""
    session = bill.session
    station = _station(bill)
    return station.site if session.site_id in (None, station.site_id) else session.site


def _station(bill: Bill) -> Station:
    connector = bill.session.connector
    return connector.station if connector else bill.session.station


def _place(bill: Bill) -> dict[str, str]:
    connector: Connector | None = bill.session.connector
    station, site = _station(bill), _site(bill)
    return {
        "station": str(station), "connector": str(connector or station),
        "evse_id": connector.evse.evse_id if connector else "",
        "site": site.name if site else "", "address": site.address if site else "",
        "city": f"{site.postal_code} {site.city}".strip() if site else "", "country": site.country if site else "",
    }  # fmt: skip


def _session(bill: Bill) -> dict[str, Any]:
    session = bill.session
    ended_at = session.ended_at or session.started_at
    seconds = int((ended_at - session.started_at).total_seconds())
    return {
        "id": session.public_id,
        "started_at": _moment(session.started_at, bill),
        "ended_at": _moment(ended_at, bill),
        "time_zone": str(_zone(bill)),
        "duration": span(seconds),
        "duration_seconds": seconds,
        "energy_mwh": session.energy_mwh,
        "energy": kwh(session.energy_mwh),
        "meter_start_mwh": session.meter_start_mwh,
        "meter_stop_mwh": session.meter_last_mwh,
        "estimated": session.estimated,
    }


def _money(payment: Payment | None, bill: Bill) -> dict[str, Any]:
    currency = bill.currency
    lines = (bill.trace or {}).get("lines", [])
    paid = bill.total_minor - bill.shortfall_minor  # by the card, or by its debt when the card had failed
    return {
        "currency": currency,
        "lines": [line | {"text": cost_line(line, currency).__dict__} for line in lines],
        "taxes": _taxes(bill),
        "tax": _tax(bill),
        "total": bill.total_minor,
        "total_text": amount(bill.total_minor, currency),
        "paid": paid,
        "paid_text": amount(paid, currency),
        "open": bill.shortfall_minor,
        "open_text": amount(bill.shortfall_minor, currency) if bill.shortfall_minor else "",
        "open_reason": _open_reason(payment, bill) if bill.shortfall_minor else "",
        "source": str(payment.kind if payment else bill.source),
        "paid_by": paid_by(payment, bill),
        "reference": payment.public_id if payment else bill.session.public_id,
    }  # fmt: skip


def _left(bill: Bill) -> dict[str, str]:
    """What is still on the voucher that paid, on its receipt only; nothing for every other way to pay."""
    return {"left": amount(bill.voucher.left_minor, bill.currency)} if bill.voucher else {}


def _as_issued(receipt: Receipt) -> dict[str, Any]:
    """What a note that takes it back says, too: all but what was left on a voucher that day. Any: JSON."""
    return {name: said for name, said in receipt.document.items() if name != "left"}


def paid_by(payment: Payment | None, bill: Bill) -> str:
    """The way to pay in words; a card by its brand and last digits."""
    source = FundingSource(payment.kind if payment else bill.source)
    card = payment.card if payment else ""
    if source in BY_CARD:
        return card or _("card")
    words = {
        FundingSource.STATION: card or _("terminal at the station"),
        FundingSource.PREPAID: _("prepaid balance"),
        FundingSource.VOUCHER: _("voucher"),
        FundingSource.FLEET: _("monthly statement"),
    }
    return words.get(source, _("nobody yet"))


def _taxes(bill: Bill) -> list[dict[str, Any]]:
    """The tax table: a row per rate whose sums are the bill's. Any: JSON."""
    said = (bill.trace or {}).get("taxes") or [
        {"percent": _percent(bill), "net": bill.net_minor, "tax": bill.tax_minor},
    ]
    return [
        {
            "percent": exact(plain(Decimal(row["percent"]))),
            "net": row["net"], "net_text": amount(row["net"], bill.currency),
            "tax": row["tax"], "tax_text": amount(row["tax"], bill.currency),
        }
        for row in said
    ]  # fmt: skip


def _percent(bill: Bill) -> str:
    """Of a price of one rate; before anything was sold, the tariff's."""
    terms = bill.snapshot.terms if bill.snapshot else {}
    if "tax_percent" in terms:
        return str(terms["tax_percent"])
    rates = [
        component.get("tax_percent", "0") for each in terms.get("elements", []) for component in each["components"]
    ]
    return str(rates[0]) if rates else "0"


def _tax(bill: Bill) -> dict[str, Any]:
    """The sum over all rates. Any: JSON."""
    return {
        "percent": " + ".join(row["percent"] for row in _taxes(bill)),
        "included": (bill.snapshot.terms if bill.snapshot else {}).get("tax_included", True),
        "net": bill.net_minor, "net_text": amount(bill.net_minor, bill.currency),
        "tax": bill.tax_minor, "tax_text": amount(bill.tax_minor, bill.currency),
    }  # fmt: skip


def _open_reason(payment: Payment | None, bill: Bill) -> str:
    """For the driver; the bill's own reason is the operator's."""
    words = {
        FundingSource.PREPAID: _("the balance was used up"),
        FundingSource.VOUCHER: _("the voucher was used up"),
    }
    source = FundingSource(payment.kind if payment else bill.source)
    if bill.waived_by_id is not None:
        return _("an amount was let go")
    if payment is None or source in words:
        return words.get(source, _("not paid yet"))
    if bill.total_minor > payment.hold_minor:
        hold = amount(payment.hold_minor, payment.currency)
        return _("the hold of %(amount)s was used up") % {"amount": hold}
    return _("too little for one more card charge") if bill.shortfall_minor < LARGEST_STEP else _("not paid yet")


def _zone(bill: Bill) -> ZoneInfo:
    site = _site(bill)
    return ZoneInfo(site.time_zone if site else bill.organization.time_zone)


def _moment(at: datetime, bill: Bill) -> dict[str, str]:
    return _written(at.astimezone(_zone(bill)))


def _written(local: datetime) -> dict[str, str]:
    text = f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S}"
    return {"iso": local.isoformat(timespec="seconds"), "text": text}
