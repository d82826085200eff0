"""What a station shows of prices and payments. Prices themselves are sent by billing, from its tariffs."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from stations import commands

from .fields import EVSE, Field, FieldType, Operation

ALL: Final = (
    Operation(
        "web-payment-started",
        _("Wait for a web payment"),
        _("A driver pays on his phone: the station keeps the EVSE for him so long. OCPP 2.1 only."),
        lambda v: commands.WebPaymentStarted(v["evse"], 180 if v["timeout"] is None else v["timeout"]),
        (
            Field("evse", FieldType.WHOLE, _("EVSE"), required=True),
            Field("timeout", FieldType.WHOLE, _("For (s)"), help=_("180 when empty; 0 takes it back")),
        ),
        words=("NotifyWebPaymentStarted",),
        only_2x=True,
        only_21=True,
    ),
    Operation(
        "get-tariffs",
        _("Ask for the station's prices"),
        _("Which tariffs the station holds. OCPP 2.1 only."),
        lambda v: commands.GetTariffs(v["evse"] or 0),
        (EVSE,),
        words=("GetTariffs",),
        only_2x=True,
        only_21=True,
    ),
    Operation(
        "clear-tariffs",
        _("Remove the station's prices"),
        _("The station forgets tariffs that it was given: these, or without any all of them. OCPP 2.1 only."),
        lambda v: commands.ClearTariffs(v["tariff_ids"] or (), v["evse"]),
        (Field("tariff_ids", FieldType.LIST, _("Tariff ids"), help=_("One in a line"), longest=60), EVSE),
        destructive=True,
        words=("ClearTariffs",),
        only_2x=True,
        only_21=True,
    ),
)
