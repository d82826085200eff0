"""Rows as plain values, to compare two ways of writing them: without keys, random names and the provider's ids."""

from django.forms.models import model_to_dict

from billing.models import Account, Debt, Payment, ReceiptCounter
from sessions.models import Attempt, ChargingSession, Discrepancy, IdToken, UsageHour
from stations.models import Command, Connection, StatusChange

RANDOM = {
    "id", "public_id", "transaction_id", "start_key", "token_value", "value", "folded", "command_id", "remote_start_id",
    "intent_id", "charge_id", "checkout_id", "checkout_url", "watch_mwh",
}  # fmt: skip
JUDGED = {  # what the worker finds out later: tests/demo/test_tries.py
    "judge_at", "judged_at", "first_at", "authorized_at", "plugged_at", "started_at", "energy_at", "stage", "party",
    "rule", "clues", "counted", "conflicting", "site", "model", "firmware",
}  # fmt: skip
LINKS = {"attempt", "session", "id_token", "payment", "bill", "command", "gateway", "document", "fields"}


def plain(row, *more):
    values = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: value for name, value in values.items() if name not in RANDOM | LINKS | set(more)}


def sessions():
    """Each session with everything that hangs on it, in order."""
    rows = ChargingSession.objects.select_related("attempt", "id_token", "bill", "payment").order_by(
        "started_at", "connector_id"
    )
    return [_session(row) for row in rows]


def _session(row):
    said = plain(row)
    numbered = row.protocol != "ocpp1.6"
    said["transaction_id"] = row.transaction_id if numbered else row.transaction_id == str(row.pk)
    said["has_start_key"] = bool(row.start_key)
    said["attempt"] = _attempt(row.attempt)
    said["token"] = plain(row.id_token)
    said["tokens agree"] = (row.token_value, row.attempt.token_value) == (row.id_token.value, row.id_token.value)
    said["bill"] = plain(row.bill)
    said["journal"] = [_entry(entry) for entry in row.bill.journal.order_by("at", "kind")]
    said["debt"] = [plain(debt, "driver_id") for debt in Debt.objects.filter(bill=row.bill)]
    said["samples"] = [plain(sample) for sample in row.samples.order_by("at", "kind")]
    payment = Payment.objects.filter(session=row).first()
    said["payment"] = _payment(payment) if payment else None
    return said


def _attempt(row):
    """As the doors left it; an interruption is found out later, too."""
    said = plain(row, *JUDGED)
    if row.cause == "interrupted":
        said |= {"state": "ended", "cause": ""}
    return said


def _entry(entry):
    lines = sorted((line.account, line.sub, line.amount_minor) for line in entry.lines.all())
    return plain(entry, "key") | {"key": entry.key.split("-")[0], "lines": lines}


def _payment(payment):
    said = plain(payment)
    said["linked"] = payment.attempt_id == (payment.session.attempt_id if payment.session else payment.attempt_id)
    said["events"] = [plain(event) for event in payment.events.order_by("at", "id")]
    receipt = payment.receipt
    said["receipt"] = _receipt(receipt) if receipt else None
    return said


def _receipt(receipt):
    document = dict(receipt.document)
    document["reference"] = document["reference"] == receipt.payment.public_id
    document["session"] = {name: value for name, value in document["session"].items() if name != "id"}
    return plain(receipt) | {"document": document}


def failures():
    rows = Attempt.objects.filter(session=None).order_by("at", "station_id")
    return [_attempt(row) | {"payment": _payment(row.payment) if hasattr(row, "payment") else None} for row in rows]


def unpaid():
    return [_payment(row) for row in Payment.objects.filter(attempt=None).order_by("created_at")]


def statuses():
    rows = StatusChange.objects.order_by("connector_id", "received_at", "at", "id")
    return [plain(row) for row in rows]


def hours():
    return [plain(row) for row in UsageHour.objects.order_by("evse_id", "hour")]


def commands():
    """Starts and stops; limits and displays of a charge that is over leave nothing that anybody reads."""
    rows = Command.objects.filter(kind__in=("StartCharging", "StopCharging")).order_by(
        "created_at", "station_id", "kind"
    )
    return [plain(row) | {"fields": sorted(row.fields)} for row in rows]


def others():
    links = Connection.objects.order_by("station_id", "opened_at")
    return {
        "guests": [plain(row) for row in IdToken.objects.filter(guest=True).order_by("created_at", "expires_at")],
        "accounts": list(Account.objects.order_by("name").values_list("name", "balance_minor")),
        "discrepancies": Discrepancy.objects.count(),
        "counters": [model_to_dict(row, exclude=["id"]) for row in ReceiptCounter.objects.all()],
        "links": [plain(row, "close_reason") for row in links],
    }


def everything():
    return {
        "sessions": sessions(), "failures": failures(), "unpaid": unpaid(), "statuses": statuses(), "hours": hours(),
        "commands": commands(), "others": others(),
    }  # fmt: skip
