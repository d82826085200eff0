"""An empty database of the bench: migrated, one organization, the stations, their connectors and tokens."""

# ruff: noqa: E402  (run as a script: the path comes first)

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import transaction

from benchmarks.talk import TOKEN
from evcms.core.access import Role
from evcms.core.models import Membership, Organization, User
from stations.models import Connector, Evse, Site, Station
from stations.vocabulary import Approval, SecurityProfile


def prepare(count):
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        organization = Organization.objects.create(name="Bench", slug="bench")
        site = Site.objects.create(organization=organization, name="Bench", latitude=52.0, longitude=5.0)
        stations = Station.objects.bulk_create(
            Station(
                organization=organization,
                site=site,
                identity=f"BENCH-{number:05}",
                approval=Approval.ACCEPTED,
                security_profile=SecurityProfile.NONE,
            )
            for number in range(1, count + 1)
        )
        evses = Evse.objects.bulk_create(Evse(station=station, number=1) for station in stations)
        Connector.objects.bulk_create(Connector(evse=evse, station=evse.station) for evse in evses)
        tokens(organization, count)
        if email := os.environ.get("EVCMS_BENCH_LOGIN"):
            owner(organization, email, os.environ["EVCMS_BENCH_PASSWORD"])


def owner(organization, email, password):
    """Somebody who looks at the pages, and sites as a network has them: ten stations each."""
    user = User.objects.create_user(email, password)
    Membership.objects.create(user=user, organization=organization, role=Role.OWNER, all_sites=True)
    stations = list(Station.objects.order_by("pk"))
    for place in range(0, len(stations), 10):
        site = Site.objects.create(
            organization=organization,
            name=f"Bench {place // 10}",
            latitude=52 + place % 97 / 100,
            longitude=5 + place % 89 / 100,
        )
        Station.objects.filter(pk__in=[row.pk for row in stations[place : place + 10]]).update(site=site)


def tokens(organization, count):
    from sessions.models import IdToken

    IdToken.objects.bulk_create(
        IdToken(organization=organization, value=TOKEN.format(number), folded=TOKEN.format(number))
        for number in range(1, count + 1)
    )


if __name__ == "__main__":
    prepare(int(sys.argv[1]))
