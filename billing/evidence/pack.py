"""Everything about a disputed session as one ZIP: readable by people, and by machines without us."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from billing.models import Dispute
from evcms.core.text import cell

from . import bought, facts, paper
from .facts import Case

README = """Evidence about dispute {dispute}

evidence.pdf     the paper that goes to the bank
receipt.pdf      the driver's receipt (when one was issued)
session.json     the session, its price and the payment, as stored
price.json       the price trace: each line with its quantity, price, rule and rounding
messages.jsonl   the messages between charging station and our system about this session, as they went over the wire
samples.csv      every meter reading; the column "extra" has the station's words verbatim, signed values included
sessions.csv     of a top-up or a statement: the sessions that it paid
timeline.csv     what happened to the payment, when, with amounts in {currency}

Times are UTC unless they carry an offset; energy is in milliwatt-hours (mWh), amounts are in minor units of {currency}.
"""


def pack(dispute: Dispute) -> bytes:
    case = facts.case_of(dispute)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as files:
        for name, content in _files(case):
            entry = zipfile.ZipInfo(name, dispute.opened_at.astimezone(UTC).timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            files.writestr(entry, content)
    return out.getvalue()


def _files(case: Case) -> Iterable[tuple[str, bytes]]:
    dispute = case.dispute
    yield "README.txt", README.format(dispute=dispute.provider_id, currency=dispute.currency).encode()
    yield "evidence.pdf", paper.pdf(dispute)
    receipt = paper.receipt_pdf(dispute)
    if receipt:
        yield "receipt.pdf", receipt
    yield "session.json", _json(_session(case))
    yield "price.json", _json(case.bill.trace if case.bill else None)
    yield "messages.jsonl", "".join(_message(row) for row in facts.messages_of(case)).encode()
    yield (
        "samples.csv",
        _csv(SAMPLES, ([_text(getattr(row, name)) for name in SAMPLES] for row in facts.samples_of(case))),
    )
    if case.spent:
        lines = (bought.line(bill, case.zone) for bill in case.spent)
        yield "sessions.csv", _csv(SPENT, ([cell(text) for text in line] for line in lines))
    yield "timeline.csv", _csv(TIMELINE, ([_text(getattr(row, name)) for name in TIMELINE] for row in case.events))


SAMPLES = (
    "at",
    "received_at",
    "energy_mwh",
    "power_w",
    "current_ma",
    "voltage_mv",
    "soc_percent",
    "quarantined",
    "extra",
)
SPENT = ("started_at", "place", "energy", "price")
TIMELINE = ("at", "kind", "label", "amount_minor", "text")


def _session(case: Case) -> dict[str, Any]:
    """Any: JSON."""
    session, charge, bill = case.session, case.charge, case.bill
    return {
        "dispute": {"id": case.dispute.provider_id, "reason": case.dispute.reason, "amount": case.dispute.amount_minor},
        "payment": {
            "id": charge.public_id, "provider_reference": charge.intent_id, "charge": charge.charge_id,
            "card": charge.card, "currency": charge.currency, "held": getattr(charge, "hold_minor", None),
            "captured": charge.captured_minor, "refunded": charge.refunded_minor,
        },
        "bought": case.collection and bought.name(case.collection),
        "agreement": facts.agreement(case),
        "session": session and {
            "id": session.public_id, "station": session.station.identity, "connector": facts.place(case),
            "transaction_id": session.transaction_id, "protocol": session.protocol, "token": session.token_value,
            "started_at": session.started_at.isoformat(),
            "ended_at": session.ended_at.isoformat() if session.ended_at else None,
            "meter_start_mwh": session.meter_start_mwh, "meter_stop_mwh": session.meter_stop_mwh,
            "energy_mwh": session.energy_mwh, "stop_reason": session.stop_reason, "estimated": session.estimated,
        },
        "price": bill and {
            "currency": bill.currency, "net": bill.net_minor, "tax": bill.tax_minor, "total": bill.total_minor,
            "terms": bill.snapshot.terms if bill.snapshot else None,
        },
    }  # fmt: skip


def _message(row: Any) -> str:
    """Any: an OcppMessage. Payloads stay the text that went over the wire."""
    said = {
        "at": row.at.isoformat(), "direction": row.direction, "action": row.action, "message_id": row.message_id,
        "request": row.request, "answer": row.answer, "outcome": row.outcome, "error_code": row.error_code,
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False) + "\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str).encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime):
        return value.isoformat()
    return cell(value) if isinstance(value, str) else str(value)


def _csv(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()
