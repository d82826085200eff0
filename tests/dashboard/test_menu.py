"""What the menu offers, its pages give: for every role, at every entry."""

import pytest

from evcms.core.access import Role
from evcms.dashboard.context import MENU
from tests.dashboard.conftest import browser
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
def test_no_entry_of_the_menu_leads_to_a_closed_door(station, organization, role):
    client = browser(make_access(organization, role, email=f"{role}@example.org"))
    offered = client.get("/settings/").context["menu"]
    for entry in offered:
        assert client.get(entry["url"]).status_code == 200, entry["label"]
    closed = {str(entry.label) for entry in MENU} - {str(entry["label"]) for entry in offered}
    assert {"Planner", "Stations"} & closed == set()
    assert ("Money" in closed) == (role in (Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER))
