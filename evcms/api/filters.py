"""What the lists can be filtered by. A name or a value that we do not know is refused, never ignored."""

from typing import Any, Final

import django_filters as filters
from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from alerts.models import Incident, Notification
from sessions.models import ChargingSession, IdToken, Reservation
from stations.models import Connector, Evse, OcppMessage, Station, Variable
from stations.vocabulary import Direction, MessageOutcome, Shown

PAGING: Final = ("page", "page_size", "format", "lang")  # no filters, but known in every query
PROTOCOLS: Final = [(name, name) for name in ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")]


class Backend(DjangoFilterBackend):
    """django-filter's, made strict: what it would ignore is a 400 that names the filter and what it takes."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Model], view: APIView) -> QuerySet[Model]:
        filterset = self.get_filterset(request, queryset, view)
        known = sorted(filterset.filters) if filterset is not None else []
        errors = {name: [_unknown(known)] for name in request.query_params if name not in (*PAGING, *known)}
        if filterset is not None and not filterset.is_valid():
            errors |= {name: _sentences(filterset.form, name) for name in filterset.errors}
        if errors:
            raise ValidationError(errors)
        return filterset.qs if filterset is not None else queryset


def _unknown(known: list[str]) -> str:
    if not known:
        return _("There is no such filter here.")
    return _("There is no such filter here; there are: %(all)s.") % {"all": ", ".join(known)}


def _sentences(form: forms.Form, name: str) -> list[str]:
    """Which values a filter takes, when it takes only some; else Django's own words."""
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices  # Any: the stubs allow what is not iterable
        words = [str(word) for word, _label in choices if word not in ("", None)]
        return [_("Must be one of: %(all)s.") % {"all": ", ".join(words)}]
    if isinstance(field, forms.DateTimeField):
        return [_("Must be a time such as 2026-11-22T18:30:00Z.")]
    return [str(text) for text in form.errors[name]]


class TrueFalseField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        """Any: query text. Raises ValidationError for what is neither."""
        if value in (None, ""):
            return None
        words = {"true": True, "1": True, "false": False, "0": False}
        if str(value).lower() not in words:
            raise forms.ValidationError(_("Must be true or false."))
        return words[str(value).lower()]


class TrueFalse(filters.BooleanFilter):
    field_class = TrueFalseField


def of_station(field: str = "station__identity") -> filters.CharFilter:
    return filters.CharFilter(field_name=field, help_text="The station's identity.")


class StationFilter(filters.FilterSet):
    site = filters.NumberFilter(field_name="site_id", min_value=0, max_value=2**62, help_text="The site's id.")
    online = TrueFalse(field_name="online", help_text="`true`: has a live link now.")
    protocol = filters.ChoiceFilter(choices=PROTOCOLS, help_text="What it spoke at its last handshake.")
    tag = filters.CharFilter(field_name="tags__name", help_text="Bears this tag.")

    class Meta:
        model = Station
        fields = ("approval", "protocol", "site", "online", "tag")


class EvseFilter(filters.FilterSet):
    station = of_station()

    class Meta:
        model = Evse
        fields = ("station",)


class ConnectorFilter(filters.FilterSet):
    station = of_station()
    shown = filters.ChoiceFilter(choices=Shown.choices, help_text="What a person is told.")

    class Meta:
        model = Connector
        fields = ("station", "status", "shown", "plug")


class MessageFilter(filters.FilterSet):
    action = filters.CharFilter(lookup_expr="iexact", help_text="Such as `BootNotification`.")
    direction = filters.ChoiceFilter(choices=Direction.choices, help_text="`in`: asked by the station.")
    outcome = filters.ChoiceFilter(choices=MessageOutcome.choices, help_text="What became of it.")
    message_id = filters.CharFilter(help_text="The uniqueId of the frame.")
    command = filters.UUIDFilter(field_name="command_id", help_text="Of one of our commands.")
    after = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", help_text="From this time on.")
    before = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = OcppMessage
        fields = ("action", "direction", "outcome", "message_id", "command", "after", "before")


class VariableFilter(filters.FilterSet):
    component = filters.CharFilter(lookup_expr="iexact", help_text="Such as `OCPPCommCtrlr`; OCPP 1.6 has none.")
    variable = filters.CharFilter(lookup_expr="iexact", help_text="Such as `HeartbeatInterval`.")

    class Meta:
        model = Variable
        fields = ("component", "variable")


class SessionFilter(filters.FilterSet):
    station = of_station()
    id_token = filters.CharFilter(field_name="token_value", lookup_expr="iexact", help_text="Upper or lower case.")
    started_after = filters.IsoDateTimeFilter(
        field_name="started_at", lookup_expr="gte", help_text="From this time on, such as 2026-11-22T18:30:00Z."
    )
    started_before = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lt", help_text="Before this time.")
    running = TrueFalse(field_name="ended_at", lookup_expr="isnull", help_text="`true`: not ended yet.")

    class Meta:
        model = ChargingSession
        fields = ("station", "state", "id_token", "started_after", "started_before", "running", "transaction_id")


class TokenFilter(filters.FilterSet):
    value = filters.CharFilter(field_name="value", lookup_expr="iexact", help_text="Upper or lower case.")

    class Meta:
        model = IdToken
        fields = ("value", "status", "group_id")


class IncidentFilter(filters.FilterSet):
    station = of_station()

    class Meta:
        model = Incident
        fields = ("state", "kind", "station")


class NotificationFilter(filters.FilterSet):
    class Meta:
        model = Notification
        fields = ("state", "channel", "template", "incident")


class ReservationFilter(filters.FilterSet):
    station = of_station()

    class Meta:
        model = Reservation
        fields = ("state", "station")
