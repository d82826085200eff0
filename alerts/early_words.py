"""The early-fault alarm explained: sentences for each sign that is worse than usual, and the plot that shows it."""

import math
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts.early import judge
from alerts.early.charts import Level, Rate
from alerts.early.judge import Health
from alerts.models import ConnectorHealth

WORTH_SAYING = 0.5  # of a sign's threshold


def of_connector(connector_id: int, zone: str) -> dict[str, Any] | None:
    """For the incident's page; None when nothing is known of the connector. Any: template context."""
    row = ConnectorHealth.objects.filter(connector_id=connector_id).first()
    if row is None:
        return None
    health = judge.unpack(row.state)
    return {"sentences": sentences(health), "label": reading(health), "chart": chart(health, zone)}


def headline(health: Health) -> str:
    """The worst sign in a few words."""
    worst = max(judge.shares(health).items(), key=lambda one: one[1])[0]
    return {
        "power": _("gives less power than usual"),
        "fade": _("gets weaker during sessions"),
        "starts": _("starts fail more often than usual"),
        "messages": _("messages come late or not at all"),
        "cut_off": _("breaks sessions off more often than usual"),
    }[worst]


def sentences(health: Health) -> list[str]:
    """One for each sign with weight, the worst first."""
    said = {
        "power": _power(health),
        "fade": _fade(health.fade),
        "starts": _often(health.starts, _("Lately %(now)d %% of the starts fail; %(usual)d %% is usual here.")),
        "messages": _often(
            health.messages, _("Lately messages are missing in %(now)d %% of the sessions; %(usual)d %% is usual here.")
        ),
        "cut_off": _often(
            health.cut_off, _("Lately the station breaks off %(now)d %% of the sessions; %(usual)d %% is usual here.")
        ),
    }
    heavy = [(share, said[name]) for name, share in judge.shares(health).items() if share >= WORTH_SAYING]
    return [text for _share, text in sorted(heavy, key=lambda one: -one[0])]


def _power(health: Health) -> str:
    known = health.known_car.score / judge.KNOWN_CAR.threshold
    any_car = health.any_car.score / judge.ANY_CAR.threshold
    if known >= any_car:
        text = _("Cars that we know draw %(now)d %% of what they draw elsewhere; %(usual)d %% is usual here.")
        return text % _percents(health.known_car)
    text = _("Cars draw %(now)d %% of what the connector can give; %(usual)d %% is usual here.")
    return text % _percents(health.any_car)


def _fade(level: Level) -> str:
    text = _("Late in a session %(now)d %% of its first power is left; %(usual)d %% is usual here.")
    return text % _percents(level)


def _percents(level: Level) -> dict[str, int]:
    return {"now": round(100 * math.exp(level.now)), "usual": round(100 * math.exp(level.mean))}


def _often(rate: Rate, text: str) -> str:
    return text % {"now": round(100 * rate.now), "usual": round(100 * rate.share)}


def chart(health: Health, zone: str) -> dict[str, Any]:
    """Data of the chart "lines" (static/evcms/chart.js): share of the expected power, and how near the alarm is."""
    moments = [datetime.fromisoformat(str(point[0])) for point in health.points]
    return {
        "zone": zone,
        "t": [int(moment.timestamp()) for moment in moments],
        "unit": "%",
        "digits": 0,
        "series": [
            {
                "label": _("Power drawn, of the power that could be expected"),
                "values": [point[1] for point in health.points],
                "hue": "charging",
            },
            {
                "label": _("Evidence of a fault; 100 % raises the alarm"),
                "values": [point[2] for point in health.points],
                "hue": "faulted",
                "area": True,
            },
            {"label": _("Alarm"), "values": [100 for _point in health.points], "hue": "offline", "dashed": True},
        ],
    }


def reading(health: Health) -> str:
    """A sentence that reads the chart."""
    count = len(health.points)
    return ngettext(
        "Evidence of a fault after the last session: %(percent)d %%",
        "Evidence of a fault over the last %(count)d sessions and starts: now %(percent)d %%",
        count,
    ) % {"count": count, "percent": round(100 * judge.level(health))}
