"""Groups of drivers, made and filled by operators."""

import pytest

from evcms.core.access import Role
from sessions.models import Driver, DriverGroup
from tests.stations.conftest import make_access, organization, owner, rival  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(client, organization):  # noqa: F811
    client.force_login(make_access(organization, Role.OPERATOR).user)
    return client


def test_a_group_is_made_filled_emptied_and_deleted(operator, organization):  # noqa: F811
    ada = Driver.objects.create(organization=organization, name="Ada")
    made = operator.post("/groups/", {"name": " Residents "})
    group = DriverGroup.objects.get(name="Residents")
    assert made.url == f"/groups/{group.pk}/"
    operator.post(f"/groups/{group.pk}/join/", {"driver": ada.pk})
    assert "Ada" in operator.get(made.url).text
    assert "1 driver" in operator.get("/groups/").text
    operator.post(f"/groups/{group.pk}/leave/{ada.pk}/")
    ada.refresh_from_db()
    assert ada.group is None
    operator.post(f"/groups/{group.pk}/", {"name": "Neighbours"})
    assert "Neighbours" in operator.get("/groups/").text
    operator.post(f"/groups/{group.pk}/delete/")
    assert Driver.objects.filter(pk=ada.pk).exists()
    assert not DriverGroup.objects.exists()


def test_two_groups_of_one_name_are_refused(operator):
    operator.post("/groups/", {"name": "Staff"})
    again = operator.post("/groups/", {"name": "staff"})
    assert again.status_code == 422
    assert "of this name already" in again.text


def test_a_driver_of_another_organization_does_not_join(operator, organization, rival):  # noqa: F811
    stranger = Driver.objects.create(organization=rival, name="Mallory")
    operator.post("/groups/", {"name": "Staff"})
    operator.post(f"/groups/{DriverGroup.objects.get().pk}/join/", {"driver": stranger.pk})
    stranger.refresh_from_db()
    assert stranger.group is None
