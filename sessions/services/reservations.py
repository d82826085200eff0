"""Keeping a connector free for a token. The station decides; we keep what it said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.prepared import PreparedMany, any_of
from sessions.models import IdToken, Reservation
from sessions.vocabulary import ReservationState, SessionStart, TokenDecision, TokenType, Verdict
from stations import commands
from stations import services as stations
from stations.models import Command, Connector, Station
from stations.vocabulary import OPEN_COMMANDS, CommandState

from . import tokens

OPEN: Final = (ReservationState.REQUESTED, ReservationState.ACTIVE)


def reserve(
    *,
    station: Station,
    token_value: str,
    expires_at: datetime,
    origin: str,
    connector: Connector | None = None,
    group_id: str = "",
    access: Access | None = None,
) -> Reservation:
    """Asks the station; ACTIVE when it accepts. Raises PermissionDenied, or ValidationError with a sentence."""
    if access is not None:
        access.demand(Permission.COMMAND)
    if expires_at <= clock.now():
        raise ValidationError({"expires_at": _("The reservation would be over before it begins.")})
    if station.organization_id is None:
        raise ValidationError(_("This station belongs to no organization yet."))
    token = tokens.find(station.organization_id, token_value)
    with transaction.atomic():
        row = Reservation.objects.create(
            organization_id=station.organization_id,
            station=station,
            connector=connector,
            token_value=token_value,
            group_id=group_id or (token.group_id if token else ""),
            expires_at=expires_at,
        )
        command = commands.ReserveNow(
            reservation_id=row.pk,
            id_token=token_value,
            expires_at=expires_at,
            evse=connector.evse.number if connector else None,
            connector=connector.number if connector else None,
            group_id=row.group_id,
            token_type=token.type if token else TokenType.ISO14443,
        )
        sent = stations.send(station=station, command=command, origin=origin, user=access.user if access else None)
        row.command_id = sent.pk
        row.save(update_fields=["command_id"])
        if access is not None:
            audit.record(access, "reservation.requested", row, token=token_value)
    return row


def cancel_reservation(*, reservation: Reservation, origin: str, access: Access | None = None) -> Command:
    """Asks the station; CANCELLED when it accepts, or at once when it has no link. Raises PermissionDenied.

    Raises ValidationError (code `conflict`) when it is over, or the station has not answered the wish to reserve: only
    its answer tells whether there is something to cancel.
    """
    if access is not None:
        access.demand(Permission.COMMAND)
    with transaction.atomic():
        _check_can_be_cancelled(Reservation.objects.select_for_update().get(pk=reservation.pk))
        row = stations.send(
            station=reservation.station,
            command=commands.CancelReservation(reservation.pk),
            origin=origin,
            user=access.user if access else None,
        )
        _cancelled(reservation, row)
        if access is not None:
            audit.record(access, "reservation.cancel_requested", reservation)
    reservation.refresh_from_db()
    return row


def _check_can_be_cancelled(row: Reservation) -> None:
    if row.state not in OPEN:
        text = _("This reservation is over already: %(state)s.") % {"state": row.get_state_display()}
        raise ValidationError(text, code="conflict")
    asked = Command.objects.filter(state__in=OPEN_COMMANDS)
    if row.state == ReservationState.REQUESTED and row.command_id and asked.filter(pk=row.command_id).exists():
        text = _("The station has not answered yet whether it reserves; try again in a few seconds.")
        raise ValidationError(text, code="conflict")


def _cancelled(row: Reservation, command: Command) -> None:
    """A station without a link cannot be told; nobody is to be held to the reservation all the same."""
    if command.state == CommandState.ACCEPTED:
        _move(row, ReservationState.CANCELLED, command.answer_status)
    elif command.state == CommandState.OFFLINE:
        _move(row, ReservationState.CANCELLED, command.error)


def command_answered(*, command_id: str) -> None:
    """The station's answer to either of them."""
    command = Command.objects.get(pk=command_id)
    row = Reservation.objects.filter(pk=command.fields["reservation_id"], station_id=command.station_id).first()
    accepted = command.state == CommandState.ACCEPTED
    if row is None:
        return
    if command.kind == commands.CancelReservation.__name__:
        _cancelled(row, command)
    elif row.state == ReservationState.REQUESTED and row.command_id == command.pk:
        state = ReservationState.ACTIVE if accepted else ReservationState.REFUSED
        _move(row, state, command.answer_status or command.error)


def _move(row: Reservation, state: ReservationState, detail: str) -> None:
    with transaction.atomic():
        Reservation.objects.filter(pk=row.pk, state__in=OPEN).update(state=state, detail=detail[:64])


def expire_reservations() -> int:
    """The sweep; the station ends its own by its clock."""
    due = Reservation.objects.filter(state__in=OPEN, expires_at__lte=clock.now())
    with transaction.atomic():
        return due.update(state=ReservationState.EXPIRED)


_STANDING: Final = PreparedMany(
    lambda keys: (
        Reservation.objects.filter(any_of(("station_id", "expires_at__gt"), keys), state__in=OPEN)
        .order_by()
        .values_list("station_id")
    ),
    int,
    datetime,
)


def standing(keys: Sequence[tuple[int, datetime]]) -> set[int]:
    """Which of these stations have a reservation that holds at the moment beside them."""
    return {station_id for (station_id,) in _STANDING.tuples(keys)}


def used(
    station_id: int,
    connector: Connector | None,
    start: SessionStart,
    token: IdToken | None,
    decision: TokenDecision,
) -> TokenDecision:
    """A start on what is reserved: the token, or one of its group, uses the reservation; another one is refused.

    Asked only where something is reserved (`standing`).
    """
    rows = Reservation.objects.filter(station_id=station_id, state__in=OPEN, expires_at__gt=start.at)
    if start.reservation_id is not None:
        rows = rows.filter(pk=start.reservation_id)
    else:
        rows = rows.filter(Q(connector=connector, connector__isnull=False))
    row = rows.first()
    if row is None:
        return decision
    if not _fits(row, start.token_value, token):
        return TokenDecision(Verdict.INVALID)
    Reservation.objects.filter(pk=row.pk).update(state=ReservationState.USED)
    return decision


def _fits(row: Reservation, token_value: str, token: IdToken | None) -> bool:
    if tokens.fold(row.token_value) == tokens.fold(token_value):
        return True
    return token is not None and bool(row.group_id) and token.group_id == row.group_id
