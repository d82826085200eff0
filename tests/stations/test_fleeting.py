"""Commands of a moment's worth do not pile up: what a display was told."""

from datetime import timedelta
from decimal import Decimal

import pytest

from evcms.core import clock
from evcms.core.models import Event
from stations import commands, services
from stations.models import Command, OcppMessage
from stations.tasks import prune_messages
from tests.ocpp.messages.conftest import make_station, organization, site, station  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db


def test_yesterdays_costs_are_gone_and_real_commands_stay(station):  # noqa: F811
    cost = services.send(station=station, command=commands.ShowCost("1", Decimal(1), "EUR"), origin="cost display")
    real = services.send(station=station, command=commands.ClearCache(), origin="somebody")
    message = OcppMessage.objects.create(
        station=station, direction="out", action="CostUpdated", outcome="result", at=clock.now(), command=cost
    )
    assert services.prune_fleeting() == 0
    Command.objects.update(expires_at=clock.now() - timedelta(days=2))
    assert prune_messages() == 1
    assert list(Command.objects.values_list("pk", flat=True)) == [real.pk]
    message.refresh_from_db()
    assert message.command_id is None


def test_nobody_is_told_how_a_display_took_it(station):  # noqa: F811
    services.send(station=station, command=commands.ShowCost("1", Decimal(1), "EUR"), origin="cost display")
    assert not Event.objects.filter(name__contains="CommandAnswered").exists()
    services.send(station=station, command=commands.ClearCache(), origin="somebody")
    assert Event.objects.filter(name__contains="CommandAnswered").count() == 1  # it ended at once: no link
