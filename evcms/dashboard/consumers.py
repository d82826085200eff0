"""Live pages of operators: an organization's signals, cut to the sites that the person may see."""

from channels.db import database_sync_to_async

from evcms.core.consumers import LiveConsumer
from evcms.core.middleware import SESSION_KEY, membership_access, needs_second_factor
from evcms.core.models import Membership, User
from stations import queries


class OrganizationConsumer(LiveConsumer):
    """/ws/live/: everything of the organization that is chosen in the session."""

    async def live_groups(self) -> list[str] | None:
        return await database_sync_to_async(self._groups)()

    def _groups(self) -> list[str] | None:
        user = self.scope["user"]
        if not isinstance(user, User) or not user.is_active:
            return None
        memberships = Membership.objects.filter(user=user).select_related("organization").order_by("id")
        chosen = self.scope["session"].get(SESSION_KEY)
        membership = memberships.filter(organization_id=chosen).first() if chosen else None
        membership = membership or memberships.first()
        if membership is None:
            return None
        access = membership_access(user, membership)
        if needs_second_factor(access):
            return None
        if access.all_sites:
            return [f"org.{access.organization.pk}"]
        return [f"station.{pk}" for pk in queries.stations(access).order_by().values_list("pk", flat=True)]
