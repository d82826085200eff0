"""Groups of drivers, by people: made, renamed, deleted; who is in them."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from sessions.models import Driver, DriverGroup


def create_group(*, access: Access, name: str) -> DriverGroup:
    """Raises PermissionDenied, ValidationError."""
    access.demand(Permission.TOKENS)
    group = DriverGroup(organization=access.organization, name=name.strip())
    with transaction.atomic():
        _save(group)
        audit.record(access, "group.created", group)
    return group


def rename_group(*, access: Access, group: DriverGroup, name: str) -> DriverGroup:
    """Raises PermissionDenied, ValidationError, DriverGroup.DoesNotExist."""
    access.demand(Permission.TOKENS)
    with transaction.atomic():
        row = _locked(access, group)
        before, row.name = row.name, name.strip()
        _save(row)
        audit.record(access, "group.renamed", row, before=before, after=row.name)
    return row


def delete_group(*, access: Access, group: DriverGroup) -> None:
    """Its drivers stay; tariffs and ways to pay that held for the group end with it."""
    access.demand(Permission.TOKENS)
    with transaction.atomic():
        row = _locked(access, group)
        audit.record(access, "group.deleted", row, drivers=row.drivers.count())
        row.delete()


def join_group(*, access: Access, driver: Driver, group: DriverGroup | None) -> Driver:
    """Puts a driver into a group, or into none. Raises PermissionDenied, Driver.DoesNotExist."""
    access.demand(Permission.TOKENS)
    with transaction.atomic():
        row = Driver.objects.select_for_update().get(pk=driver.pk, organization=access.organization)
        row.group = _locked(access, group) if group else None
        row.save(update_fields=["group"])
        audit.record(access, "driver.grouped", row, group=str(group or ""))
    return row


def _locked(access: Access, group: DriverGroup) -> DriverGroup:
    return DriverGroup.objects.select_for_update().get(pk=group.pk, organization=access.organization)


def _save(group: DriverGroup) -> None:
    if not group.name:
        raise ValidationError({"name": _("A group needs a name.")})
    same = DriverGroup.objects.filter(organization=group.organization, name__iexact=group.name).exclude(pk=group.pk)
    if same.exists():
        raise ValidationError({"name": _("There is a group of this name already.")})
    group.save()
