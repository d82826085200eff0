"""The audit log: one line for everything that a person or an API token did."""

from typing import Any

from django.db import models

from .access import Access
from .models import AuditEntry, Organization, User


def record(access: Access, action: str, target: models.Model | None = None, **detail: Any) -> AuditEntry:
    """Writes one entry in the caller's transaction. `detail`: JSON values (before/after); never a secret."""
    return AuditEntry.objects.create(
        organization=access.organization,
        user=access.user,
        actor=access.actor,
        address=access.address,
        action=action,
        detail=detail,
        **_names(target),
    )


def record_staff(user: User, action: str, target: models.Model | None = None, **detail: Any) -> AuditEntry:
    """Staff act across organizations (Django admin): the entry goes to the object's organization."""
    organization = getattr(target, "organization", None)
    return AuditEntry.objects.create(
        organization=organization if isinstance(organization, Organization) else None,
        user=user,
        actor=f"{user} (staff)",
        action=action,
        detail=detail,
        **_names(target),
    )


def record_system(
    organization: Organization | None, action: str, target: models.Model | None = None, **detail: Any
) -> None:
    AuditEntry.objects.create(organization=organization, actor="system", action=action, detail=detail, **_names(target))


def record_driver(
    user: User | None, organization: Organization, action: str, target: models.Model | None = None, **detail: Any
) -> None:
    """What a driver did in his own account; `actor` says that he is no member."""
    actor = f"{user} (driver)" if user else "driver"
    AuditEntry.objects.create(
        organization=organization, user=user, actor=actor, action=action, detail=detail, **_names(target)
    )


def forget_driver(user: User | None, driver: models.Model) -> None:
    """A person is erased: that somebody did something stays, who it was and what he called his things does not."""
    of_him = AuditEntry.objects.filter(object_type=driver._meta.label, object_id=str(driver.pk))
    of_him.update(object_label="")
    if user:
        own = AuditEntry.objects.filter(user=user, actor__endswith=" (driver)")
        own.update(user=None, actor="driver", object_label="", detail={}, address=None)


def _names(target: models.Model | None) -> dict[str, str]:
    if target is None:
        return {}
    return {"object_type": target._meta.label, "object_id": str(target.pk), "object_label": str(target)[:200]}
