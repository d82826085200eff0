"""How well each station serves: the share of the time that it was in order × the share of attempts it did not spoil.

No weights: both are counted from rows, and their product is what a driver meets who comes at any time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from alerts.models import StationHealth
from evcms.core import clock
from sessions import facts as sessions
from stations import facts as stations

JUDGED_OVER: Final = timedelta(days=90)
PORTION: Final = 500
TOLD: Final = ("permille", "up_permille", "tried", "failed", "target_permille", "short", "judged_at")


def judge_stations() -> int:
    """Every half hour, a portion at a time; twice gives the same. Stations whose ports never spoke have no health."""
    every, now = stations.accepted_stations(), clock.now()
    for start in range(0, len(every), PORTION):
        _judge(every[start : start + PORTION], now)
    StationHealth.objects.filter(judged_at__lt=now).delete()
    return len(every)


def _judge(some: Sequence[int], now: datetime) -> None:
    """Five queries and a write."""
    since = now - JUDGED_OVER
    stood = stations.stood(some, since=since, until=now)
    tried, targets = sessions.tried_at(some, since), stations.targets(some)
    rows = []
    for pk, time in stood.items():
        if (up := time.permille) is None:
            continue
        row = StationHealth(station_id=pk, up_permille=up, target_permille=targets[pk], judged_at=now)
        row.tried, row.failed = tried.get(pk, (0, 0))
        row.permille = up * (row.tried - row.failed) // row.tried if row.tried else up
        row.short = row.permille < row.target_permille
        rows.append(row)
    StationHealth.objects.bulk_create(rows, update_conflicts=True, unique_fields=["station"], update_fields=TOLD)
