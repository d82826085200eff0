"""Live pages of operators: an organization's signals, cut to the sites that the person may see."""

from channels.db import database_sync_to_async

from billing.queries import payments
from evcms.core.access import Access, Permission
from evcms.core.consumers import LiveConsumer
from evcms.core.middleware import SESSION_KEY, membership_access, needs_second_factor
from evcms.core.models import Membership, User
from sessions.queries import sessions
from stations import queries
from stations.models import Connector


class OperatorConsumer(LiveConsumer):
    """Refuses whom the pages would refuse; the page's groups are its subclass's business."""

    async def live_groups(self) -> list[str] | None:
        return await database_sync_to_async(self._groups)()

    def _groups(self) -> list[str] | None:
        access = self._access()
        return None if access is None else self.groups_of(access)

    def groups_of(self, access: Access) -> list[str] | None:
        raise NotImplementedError

    def _access(self) -> Access | None:
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
        return None if needs_second_factor(access) else access


class OrganizationConsumer(OperatorConsumer):
    """/ws/live/: everything of the organization that is chosen in the session."""

    def groups_of(self, access: Access) -> list[str] | None:
        if access.all_sites:
            return [f"org.{access.organization.pk}"]
        stations = queries.stations(access).order_by().values_list("pk", flat=True)
        plugs = queries.connectors(access).order_by().values_list("pk", flat=True)  # what sessions speak to
        return [*(f"station.{pk}" for pk in stations), *(f"connector.{pk}" for pk in plugs)]


class StationConsumer(OperatorConsumer):
    """/ws/live/stations/<identity>/: one station, its plugs and sessions, the answers to its commands."""

    def groups_of(self, access: Access) -> list[str] | None:
        identity = self.scope["url_route"]["kwargs"]["identity"]
        pk = queries.every_station(access).filter(identity=identity).order_by().values_list("pk", flat=True).first()
        if pk is None:
            return None
        plugs = Connector.objects.filter(station=pk).values_list("pk", flat=True)
        return [f"station.{pk}", *(f"connector.{plug}" for plug in plugs)]


class SessionConsumer(OperatorConsumer):
    """/ws/live/sessions/<public id>/: one session, and its payment for those who may see money."""

    def groups_of(self, access: Access) -> list[str] | None:
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        if not sessions(access).filter(public_id=public_id).exists():
            return None
        paid = payments(access).filter(session__public_id=public_id).order_by().values_list("public_id", flat=True)
        money = [f"payment.{payment}" for payment in paid] if access.can(Permission.MONEY) else []
        return [f"session.{public_id}", *money]
