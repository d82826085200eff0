"""Learns "free by" anew, each night: from eight weeks, judged on the last two, kept as a row a network and a site."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from evcms.core import clock
from evcms.core.models import Organization
from sessions import freeby
from sessions.models import FreeByFit, FreeBySite
from sessions.planning import freeby as arithmetic
from sessions.planning.freeby import Model, Port, Score

WEEKS: Final = 8
HELD_OUT_WEEKS: Final = 2
FEWEST_WEEKS: Final = 3  # less past has nothing to hold out
MOST_LOOKS: Final = 120_000  # a pass: seconds, whatever the network's size
A_DAY: Final = 48.0  # looks at a port; more tell nothing new
JUDGED: Final = 300  # ports of the score


def fit_freeby() -> int:
    """How many networks have a forecast now. The same rows give the same forecast, so it may run twice."""
    return sum(_fit(organization) for organization in Organization.objects.order_by("pk"))


def _fit(organization: Organization) -> bool:
    until = clock.now().replace(minute=0, second=0, microsecond=0)
    ports = freeby.ports_of(organization, until - timedelta(weeks=WEEKS), until)
    starts = [port.stays[0].begin for port in ports if port.stays]
    if not starts:
        return False
    end = int(until.timestamp())
    begin = max(min(starts), end - int(timedelta(weeks=WEEKS).total_seconds()))
    split = end - int(timedelta(weeks=HELD_OUT_WEEKS).total_seconds())
    if end - begin < timedelta(weeks=FEWEST_WEEKS).total_seconds():
        return False
    used = [port for port in ports if port.stays]
    a_day = min(A_DAY, MOST_LOOKS / (len(used) * (end - begin) / 86_400))
    model, scores = arithmetic.fit(
        used,
        begin=begin,
        split=split,
        end=end,
        a_day=a_day,
        seed=organization.pk,
        judged=used[:: -(-len(used) // JUDGED)],
    )
    _keep(organization, used, model, scores, (begin, split, end))
    return True


def _keep(
    organization: Organization, ports: list[Port], model: Model, scores: list[Score], times: tuple[int, int, int]
) -> None:
    since, held_out, until = (datetime.fromtimestamp(each, UTC) for each in times)
    now = clock.now()
    values = {
        "made_at": now,
        "since": since,
        "held_out": held_out,
        "until": until,
        "ports": len(ports),
        "looks": model.looks,
        "tables": {"general": arithmetic.as_json(model.general), "knots": model.knots},
        "scores": [asdict(score) | {"better": score.better} for score in scores],
    }
    rows = [
        FreeBySite(site_id=site, made_at=now, table=arithmetic.as_json(table)) for site, table in model.sites.items()
    ]
    with transaction.atomic():
        FreeByFit.objects.update_or_create(organization=organization, defaults=values)
        FreeBySite.objects.bulk_create(
            rows, batch_size=200, update_conflicts=True, unique_fields=["site"], update_fields=["made_at", "table"]
        )
