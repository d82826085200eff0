"""Talk to a station: one searchable list of operations, and the station's own answer under a plain sentence."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import services as billing
from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.forms import OCPP_16, RawForm, operation_form
from evcms.dashboard.views.station import Context, page, station_or_404
from sessions import queries as sessions
from stations import commands, services
from stations.models import Command, Station
from stations.operations import OPERATIONS, Field, Operation, build
from stations.vocabulary import OPEN_COMMANDS, CommandState

RECENT = 20
RAW = "raw"
OCPP_21 = "ocpp2.1"


@dataclass(frozen=True)
class Answered:
    """A command for `components/command_answer.html`."""

    pk: uuid.UUID
    name: str
    state: str
    sentence: str
    sent_at: datetime
    answer: str
    origin: str
    open: bool
    fields: list[tuple[str, str]]


def answered(row: Command) -> Answered:
    answer = json.dumps(row.answer, indent=2, ensure_ascii=False) if row.answer is not None else ""
    return Answered(
        row.pk, _name(row), str(row.state), sentence(row), row.created_at, answer, row.origin,
        row.state in OPEN_COMMANDS, _fields(row),
    )  # fmt: skip


def _name(row: Command) -> str:
    """What was asked, as the list of operations calls it."""
    if row.kind == "RawCall":
        return str(row.fields.get("action", row.kind))
    operation = KINDS.get(row.kind)
    return str(operation.label) if operation else row.kind


def _fields(row: Command) -> list[tuple[str, str]]:
    """The values that were sent, under their forms' labels; of settings the keys alone: values may be secrets."""
    if row.kind == "RawCall":
        payload = row.fields.get("payload")
        return [(_("Payload"), json.dumps(payload, ensure_ascii=False))] if payload else []
    operation = KINDS.get(row.kind)
    known = {one.name: one for one in operation.fields} if operation else {}
    told = []
    for name, value in row.fields.items():
        if value not in (None, "", []):
            one = known.get(name)
            told.append((str(one.label) if one else name, _value(one, name, value)))
    return told


def _value(one: Field | None, name: str, value: Any) -> str:
    """Any: JSON."""
    if name == "values":
        return ", ".join(str(key) for key, _secret in value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(dict(one.choices).get(value, value) if one else value)


def _kinds() -> dict[str, Operation]:
    """Command class → the operation that makes it."""
    names = {
        "start": "StartCharging", "stop": "StopCharging", "reset": "Reset", "unlock": "Unlock",
        "change-availability": "ChangeAvailability", "trigger": "Trigger", "get-variables": "GetVariables",
        "set-variables": "SetVariables", "clear-cache": "ClearCache", "reserve": "ReserveNow",
        "cancel-reservation": "CancelReservation", "send-data": "SendData",
        "transaction-status": "GetTransactionStatus", "set-charging-profile": "SetChargingProfile",
        "clear-charging-profile": "ClearChargingProfile", "get-charging-profiles": "GetChargingProfiles",
        "composite-schedule": "GetCompositeSchedule", "allow-energy-transfer": "AllowEnergyTransfer",
        "web-payment-started": "WebPaymentStarted", "get-tariffs": "GetTariffs", "clear-tariffs": "ClearTariffs",
        "update-firmware": "UpdateFirmware", "publish-firmware": "PublishFirmware",
        "unpublish-firmware": "UnpublishFirmware", "get-log": "GetLog", "set-monitor": "SetMonitors",
        "clear-monitors": "ClearMonitors", "get-monitors": "GetMonitors", "monitoring-base": "SetMonitoringBase",
        "monitoring-level": "SetMonitoringLevel",
    }  # fmt: skip
    return {kind: OPERATIONS[name] for name, kind in names.items()}


KINDS = _kinds()


def sentence(row: Command) -> str:
    word = row.answer_status
    match CommandState(row.state):
        case CommandState.QUEUED:
            return _("It waits for the station's line.")
        case CommandState.SENT:
            return _("It is sent; the station has not answered yet.")
        case CommandState.ACCEPTED:
            return _("The station agreed: %(word)s.") % {"word": word} if word else _("The station agreed.")
        case CommandState.REJECTED if word:
            return _("The station refused: %(word)s.") % {"word": word}
        case CommandState.REJECTED:
            return _("It was refused: %(why)s.") % {"why": row.error or _("no reason was given")}
        case CommandState.CALLERROR:
            return _("The station answered with an error: %(why)s.") % {"why": row.error or word}
        case CommandState.TIMEOUT:
            late = _(" It answered too late: %(word)s.") % {"word": word} if row.answered_at else ""
            return _("The station did not answer in time.") + late
        case CommandState.OFFLINE:
            return _("The station is offline; nothing was sent.")
        case _:
            return _("This station's OCPP version does not know it.")


# Pages -----------------------------------------------------------------------------------------------------


@require_GET
@operator(Permission.COMMAND)
def station_commands(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """`?operation=name` opens its form, filled from the other parameters."""
    station = station_or_404(access, identity)
    return page(request, access, station, "station-commands", _context(request, station))


def _context(request: HttpRequest, station: Station, wrong: str = "", said: forms.Form | None = None) -> Context:
    """`wrong`: the operation whose form `said` could not be sent."""
    chosen = wrong or request.GET.get("operation", "")
    initial = request.GET.dict() if chosen else {}
    offered = [
        (
            operation,
            said
            if said and operation.name == wrong
            else operation_form(
                operation, initial=initial if operation.name == chosen else None, protocol=station.protocol
            ),
        )
        for operation in OPERATIONS.values()
        if not (operation.only_2x and station.protocol == OCPP_16)
        and not (operation.only_21 and station.protocol not in ("", OCPP_21))
    ]
    asked = Command.objects.filter(station=station).exclude(kind__in=commands.FLEETING)
    recent = asked.order_by("-created_at")[:RECENT]
    return {
        "operations": offered,
        "chosen": chosen,
        "charging": sessions.charging_at(station),
        "raw": said if said and wrong == RAW else RawForm(prefix=RAW, auto_id="op_%s"),
        "recent": [answered(row) for row in recent],
        "dynamic_codes": station.protocol == OCPP_21,
    }


@require_POST
@operator(Permission.COMMAND)
def dynamic_qr(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """A secret of its own for the codes on a station's display, and the address that they lead to."""
    station = station_or_404(access, identity)
    try:
        services.set_up_dynamic_qr(access=access, station=station, base_url=settings.PUBLIC_URL)
        messages.success(request, _("The station is being told how to make its codes; its answer stands below."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("station-commands", identity=identity)


@require_POST
@operator(Permission.COMMAND)
def show_tariffs(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """The prices in force go to the station's display."""
    station = station_or_404(access, identity)
    try:
        billing.show_tariffs(access=access, station=station)
        messages.success(request, _("The station is being told its prices; its answers stand below."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("station-commands", identity=identity)


@require_POST
@operator(Permission.COMMAND)
def send(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """`operation`: a name of OPERATIONS, or `raw`. A form that cannot be sent comes back with what is wrong in it."""
    station = station_or_404(access, identity)
    name = request.POST.get("operation", "")
    operation = OPERATIONS.get(name)
    if operation:
        form = operation_form(operation, request.POST, protocol=station.protocol)
    else:
        form = RawForm(request.POST, prefix=RAW, auto_id="op_%s")
    command = _command(request, operation, form)
    if command is None:
        return _again(request, access, station, operation, form)
    row = order(access, station, command)
    if "HX-Request" not in request.headers:
        return redirect("station-commands", identity=identity)
    context: Context = {
        "station": station, "command": answered(row), "zone": station.site.time_zone if station.site else "",
    }  # fmt: skip
    if "again" in request.POST:  # its form still shows what was wrong: here it is without that
        context |= {"operation": operation, "form": form, "is_open": True, "cleared": True}
    return render(request, "dashboard/stations/_answer.html", context)


def order(access: Access, station: Station, command: commands.Command) -> Command:
    """Sends it in the person's name; command and audit entry in one transaction."""
    with transaction.atomic():
        audit.record(access, "command.sent", station, kind=type(command).__name__, command=services.describe(command))
        return services.send(station=station, command=command, origin=access.actor, user=access.user)


def _command(request: HttpRequest, operation: Operation | None, form: forms.Form) -> commands.Command | None:
    """None when the form says what is wrong."""
    if not form.is_valid():
        return None
    if operation is None:
        return commands.RawCall(form.cleaned_data["action"], form.cleaned_data["payload"])
    try:
        return build(operation.name, {name: form.cleaned_data[name] for name in form.fields})
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            form.add_error(name if name in form.fields else None, texts)
        return None


def _again(
    request: HttpRequest, access: Access, station: Station, operation: Operation | None, form: forms.Form
) -> HttpResponse:
    """The form alone for htmx, which puts it where it was; else (a button elsewhere, no JavaScript) its whole page."""
    if "HX-Request" not in request.headers:
        whole = _context(request, station, operation.name if operation else RAW, form)
        answer = page(request, access, station, "station-commands", whole)
        answer.status_code = 422
        return answer
    context: Context = {"station": station, "operation": operation, "form": form, "is_open": True}
    response = render(request, "dashboard/stations/_operation.html", context, status=422)
    response["HX-Retarget"] = f"#operation-{operation.name if operation else RAW}"
    response["HX-Reswap"] = "outerHTML"
    return response


@require_GET
@operator(Permission.COMMAND)
def command(request: HttpRequest, access: Access, identity: str, pk: uuid.UUID) -> HttpResponse:
    """The state of one command, for the page that waits for its answer."""
    station = station_or_404(access, identity)
    row = get_object_or_404(Command, station=station, pk=pk)
    context = {"station": station, "command": answered(row), "zone": station.site.time_zone if station.site else ""}
    return render(request, "dashboard/stations/_answer.html", context)


@require_POST
@operator(Permission.COMMAND)
def unlock(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """The button on a plug's card."""
    station = station_or_404(access, identity)
    try:
        order(access, station, build("unlock", {name: request.POST.get(name, "") for name in ("evse", "connector")}))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("station-commands", identity=identity)
