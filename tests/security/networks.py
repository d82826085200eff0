"""Three networks side by side: OKAPI is mine, ZEBRA another site of my organization, QUAGGA another organization."""

from django.test import Client

from stations.models import SiteGrant
from tests.security.world import fill, organization
from tests.stations.conftest import make_access


def networks():
    """My site, the other site of my organization, and the other organization with its own."""
    mine, theirs = organization("Mine"), organization("Theirs")
    owner, rival = make_access(mine, email="owner@mine.example"), make_access(theirs, email="owner@theirs.example")
    limited = make_access(mine, all_sites=False, email="limited@mine.example")
    made = {"OKAPI": fill(owner, "OKAPI", 1), "ZEBRA": fill(owner, "ZEBRA", 2), "QUAGGA": fill(rival, "QUAGGA", 3)}
    SiteGrant.objects.create(membership=limited.membership, site=made["OKAPI"].rows.site)
    made |= {"owner": owner, "rival": rival, "limited": limited}
    return made


def browser_of(access):
    client = Client(raise_request_exception=False)
    if access:
        client.force_login(access.user)
    return client
