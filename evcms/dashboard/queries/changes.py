"""What people corrected of a session: who, when, what it was before; and what that says of its figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evcms.core.models import AuditEntry
from evcms.templatetags import figures
from sessions.models import ChargingSession
from sessions.services import corrections
from sessions.vocabulary import ClosedBy

TITLES: Final = {
    corrections.BEGIN_CORRECTED: gettext_lazy("Begin corrected"),
    corrections.END_CORRECTED: gettext_lazy("End corrected"),
}
WHAT: Final = {
    "energy": corrections.CORRECTED,
    "begin": corrections.BEGIN_CORRECTED,
    "end": corrections.END_CORRECTED,
}


@dataclass(frozen=True)
class Change:
    """A person's word on a session: who, why, and what it was before and after."""

    entry: AuditEntry
    title: str
    before: str
    after: str
    why: str


def changes(session: ChargingSession, zone: str) -> list[Change]:
    """Newest first; moments in the site's `zone`."""
    actions = (corrections.CORRECTED, *TITLES)
    rows = AuditEntry.objects.filter(
        object_type=corrections.LABEL, object_id=str(session.pk), action__in=actions
    ).order_by("-at", "-pk")
    return [_change(row, zone) for row in rows]


def _change(row: AuditEntry, zone: str) -> Change:
    told = row.detail
    energies = [figures.kwh(told[name], 3) for name in ("before_mwh", "after_mwh")]
    if row.action == corrections.CORRECTED:
        return Change(row, _("Energy corrected"), energies[0], energies[1], told.get("reason", ""))
    moments = [_to_the_second(told[name], zone) for name in ("before", "after")]
    before, after = (", ".join(pair) for pair in zip(moments, energies, strict=True))
    return Change(row, str(TITLES[row.action]), before, after, told.get("reason", ""))


def _to_the_second(text: str, zone: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{figures.at_zone(at, zone)} ({timezone.localtime(at, ZoneInfo(zone)):%H:%M:%S})"


@dataclass(frozen=True)
class Corrected:
    """Who corrected what of a session last, and when; "" where nobody did. `closed_by`: who had ended it before."""

    energy: str = ""
    begin: str = ""
    end: str = ""
    closed_by: str = ""


def corrected(found: Sequence[Change], zone: str) -> Corrected:
    """`found`: newest first."""
    last = {each.entry.action: each.entry for each in reversed(found)}
    first_end = [each.entry for each in found if each.entry.action == corrections.END_CORRECTED][-1:]
    who = {
        name: _("%(who)s, %(when)s") % {"who": entry.actor, "when": figures.at_zone(entry.at, zone)}
        for name, action in WHAT.items()
        if (entry := last.get(action))
    }
    was = first_end[0].detail.get("closed_by", "") if first_end else ""
    return Corrected(**who, closed_by=str(ClosedBy(was).label) if was in ClosedBy else "")
