"""A station says how many variables it takes at once (2.x ItemsPerMessage); a longer list goes in parts."""

import pytest

from evcms.core import clock
from stations import commands, services
from stations.models import Command, Variable

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = tuple(f"OCPPCommCtrlr.Key{number}" for number in range(5))


def says(station, instance, value):
    Variable.objects.create(
        station=station,
        component="DeviceDataCtrlr",
        variable="ItemsPerMessage",
        variable_instance=instance,
        value=value,
        updated_at=clock.now(),
    )


def sent():
    return [row.fields for row in Command.objects.order_by("created_at")]


def test_a_list_longer_than_the_station_takes_goes_in_parts_and_the_last_is_returned(linked, station):
    says(station, "GetVariables", "2")
    row = services.send(station=station, command=commands.GetVariables(KEYS), origin="test")
    assert [len(fields["keys"]) for fields in sent()] == [2, 2, 1]
    assert row.fields["keys"] == [KEYS[4]]


@pytest.mark.parametrize("said", [None, "10", "0", "many", ""])
def test_who_takes_all_or_says_nonsense_gets_one_message(linked, station, said):
    if said is not None:
        says(station, "GetVariables", said)
    services.send(station=station, command=commands.GetVariables(KEYS), origin="test")
    assert len(sent()) == 1


def test_what_is_set_is_split_by_its_own_limit(linked, station):
    says(station, "GetVariables", "1")
    says(station, "SetVariables", "3")
    values = tuple((key, "1") for key in KEYS)
    services.send(station=station, command=commands.SetVariables(values), origin="test")
    assert [len(fields["values"]) for fields in sent()] == [3, 2]


def test_another_command_asks_nothing_more_of_the_database(linked, station, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        services.send(station=station, command=commands.ClearCache(), origin="test")
