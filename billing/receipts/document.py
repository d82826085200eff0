"""What a receipt says: written once when it is issued, in the driver's language and the site's time."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Bill, Payment
from billing.pricing import plain
from billing.reckoning import terms_of_snapshot
from billing.wording import cost_line, duration, kwh
from evcms.core.figures import amount, exact


def document(*, payment: Payment, bill: Bill, number: str, issued_at: datetime) -> dict[str, Any]:
    """Any: JSON. Amounts are minor units beside their texts; times carry the site's offset."""
    with translation.override(payment.language):
        return {
            "version": 1,
            "number": number,
            "language": payment.language,
            "issued_at": _moment(issued_at, payment),
            "seller": _seller(payment),
            "place": _place(payment),
            "session": _session(payment, bill),
            **_money(payment, bill),
        }


def _seller(payment: Payment) -> dict[str, str]:
    seller = payment.organization
    return {
        "name": seller.legal_name or seller.name, "address": seller.address, "country": seller.country,
        "vat_id": seller.vat_id, "email": seller.support_email, "phone": seller.support_phone,
    }  # fmt: skip


def _place(payment: Payment) -> dict[str, str]:
    connector = payment.connector
    site = connector.station.site
    return {
        "station": str(connector.station), "connector": str(connector), "evse_id": connector.evse.evse_id,
        "site": site.name if site else "", "address": site.address if site else "",
        "city": f"{site.postal_code} {site.city}".strip() if site else "", "country": site.country if site else "",
    }  # fmt: skip


def _session(payment: Payment, bill: Bill) -> dict[str, Any]:
    session = bill.session
    ended_at = session.ended_at or session.started_at
    seconds = int((ended_at - session.started_at).total_seconds())
    return {
        "id": session.public_id,
        "started_at": _moment(session.started_at, payment),
        "ended_at": _moment(ended_at, payment),
        "time_zone": str(_zone(payment)),
        "duration": duration(seconds),
        "duration_seconds": seconds,
        "energy_mwh": session.energy_mwh,
        "energy": kwh(session.energy_mwh),
        "meter_start_mwh": session.meter_start_mwh,
        "meter_stop_mwh": session.meter_last_mwh,
        "estimated": session.estimated,
    }


def _money(payment: Payment, bill: Bill) -> dict[str, Any]:
    currency = bill.currency
    terms = terms_of_snapshot(bill.snapshot)
    lines = (bill.trace or {}).get("lines", [])
    return {
        "currency": currency,
        "lines": [line | {"text": cost_line(line, currency).__dict__} for line in lines],
        "tax": {
            "percent": exact(plain(terms.tax_percent)), "included": terms.tax_included,
            "net": bill.net_minor, "net_text": amount(bill.net_minor, currency),
            "tax": bill.tax_minor, "tax_text": amount(bill.tax_minor, currency),
        },
        "total": bill.total_minor,
        "total_text": amount(bill.total_minor, currency),
        "paid": payment.captured_minor,
        "paid_text": amount(payment.captured_minor, currency),
        "open": bill.shortfall_minor,
        "open_text": amount(bill.shortfall_minor, currency) if bill.shortfall_minor else "",
        "open_reason": _open_reason(payment, bill) if bill.shortfall_minor else "",
        "paid_by": payment.card or _("card"),
        "reference": payment.public_id,
    }  # fmt: skip


def _open_reason(payment: Payment, bill: Bill) -> str:
    """For the driver; the bill's own reason is the operator's."""
    if bill.total_minor > payment.hold_minor:
        hold = amount(payment.hold_minor, payment.currency)
        return _("the hold of %(amount)s was used up") % {"amount": hold}
    return _("too little for one more card charge")


def _zone(payment: Payment) -> ZoneInfo:
    site = payment.connector.station.site
    return ZoneInfo(site.time_zone if site else payment.organization.time_zone)


def _moment(at: datetime, payment: Payment) -> dict[str, str]:
    local = at.astimezone(_zone(payment))
    text = f"{date_format(local, 'DATE_FORMAT')}, {local:%H:%M:%S}"
    return {"iso": local.isoformat(timespec="seconds"), "text": text}
