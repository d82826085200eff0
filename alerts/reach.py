"""Could anybody be told now? What stands in the way, in sentences: for the overview and the board."""

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts.models import EscalationPolicy, OnCallSchedule, Recipient
from alerts.services import duty, people
from alerts.vocabulary import Audience
from evcms.core import clock
from evcms.core.models import Organization


def problems(organization: Organization) -> list[str]:
    """Empty when incidents reach somebody. A handful of queries, whatever the size of the network."""
    contacts = Recipient.objects.filter(organization=organization, audience=Audience.OPERATOR)
    works = Q(destinations__confirmed_at__isnull=False, destinations__disabled_at=None)
    counted = contacts.aggregate(total=Count("pk", distinct=True), able=Count("pk", filter=works, distinct=True))
    total, able = counted["total"], counted["able"]
    if not total:
        return [_("Nobody is told about incidents: there is no alert contact.")]
    if not able:
        return [_("Nobody can be told about incidents: no contact has a way that works.")]
    said = [*_chain(organization)]
    if able < total:
        lost = total - able
        said.append(
            ngettext("%(n)d alert contact cannot be reached.", "%(n)d alert contacts cannot be reached.", lost)
            % {"n": lost}
        )
    return said


def _chain(organization: Organization) -> list[str]:
    policy = EscalationPolicy.objects.filter(organization=organization, default=True).first()
    if policy is None:
        return []
    rotas = [level.schedule for level in policy.levels.select_related("schedule") if level.schedule]
    return [
        _("Nobody who can be reached is on call in the rota %(name)s.") % {"name": rota}
        for rota in rotas
        if not _watched(rota)
    ]


def _watched(schedule: OnCallSchedule) -> bool:
    who = duty.on_call(schedule=schedule, at=clock.now())
    return who is not None and people.reachable(who)
