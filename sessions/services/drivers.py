"""Drivers as people keep them: contact data, changed and erased, each step audited without repeating the data."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock, mailboxes
from evcms.core.access import Access, Permission
from evcms.core.events import publish
from evcms.core.models import Membership, User
from sessions.events import DriverErased
from sessions.models import Attempt, ChargingSession, Driver, IdToken
from sessions.vocabulary import AttemptState

FIELDS = ("name", "email", "phone", "language")


def create_driver(*, access: Access, **values: str) -> Driver:
    """`values`: of FIELDS. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.TOKENS)
    driver = Driver(organization=access.organization, **_known(values))
    driver.full_clean(exclude=["organization", "user"])
    with transaction.atomic():
        driver.save()
        audit.record(access, "driver.created", driver)
    return driver


def edit_driver(*, access: Access, driver: Driver, **values: str) -> Driver:
    """Changes the FIELDS that are named. Raises PermissionDenied, ValidationError, Driver.DoesNotExist."""
    access.demand(Permission.TOKENS)
    with transaction.atomic():
        row = _locked(access, driver)
        if row.erased_at:
            raise ValidationError(_("This driver was erased; a new one must be entered."))
        changed = [name for name, value in _known(values).items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        row.full_clean(exclude=["organization", "user"])
        if changed:
            row.save(update_fields=changed)
            audit.record(access, "driver.edited", row, fields=changed)
    return row


def erase_driver(*, access: Access, driver: Driver) -> None:
    """Forgets who it was, for good; sessions and receipts stay. Raises PermissionDenied, Driver.DoesNotExist."""
    access.demand(Permission.TOKENS)
    with transaction.atomic():
        row = _locked(access, driver)
        if row.erased_at is None:
            _erase(row)
            audit.record(access, "driver.erased", row)


def erase_own(*, driver: Driver) -> None:
    """A driver closes his account: as `erase_driver`, and nothing starts on his cards any more. Twice is once.

    Raises ValidationError while he charges, or has asked for a start that may still come.
    """
    with transaction.atomic():
        row = Driver.objects.select_for_update().get(pk=driver.pk)
        if row.erased_at:
            return
        if ChargingSession.objects.filter(driver=row, ended_at=None).exists():
            raise ValidationError(_("You are charging. End the charge first; then you can close the account."))
        asked = Attempt.objects.filter(driver=row, state=AttemptState.REQUESTED, expires_at__gt=clock.now())
        if asked.exists():
            raise ValidationError(
                _("A charge of yours is about to start. Charge first, or wait until the start is given up.")
            )
        IdToken.objects.filter(driver=row, guest=False).delete()
        IdToken.history.filter(driver=row, guest=False).delete()
        _erase(row, farewell=True)
        audit.record_driver(None, row.organization, "driver.erased", row)


def _erase(row: Driver, *, farewell: bool = False) -> None:
    """The person and his way in; sessions and receipts stay. A member's or staff's own login is not the driver's."""
    language = row.language or row.organization.language
    user, address = row.user, row.email or (row.user.email if row.user else "")
    audit.forget_driver(user, row)
    for name in FIELDS:
        setattr(row, name, "")
    row.erased_at, row.user = clock.now(), None
    row.save(update_fields=[*FIELDS, "erased_at", "user"])
    if user and not user.is_staff and not Membership.objects.filter(user=user).exists():
        mailboxes.forget(user)
        User.objects.filter(pk=user.pk).update(email=f"erased-{user.pk}@invalid", name="", is_active=False)
    publish(
        DriverErased(
            driver_id=row.pk,
            address=address,
            at=row.erased_at.isoformat(),
            organization_id=row.organization_id,
            language=language,
            farewell=farewell,
        )
    )


def _locked(access: Access, driver: Driver) -> Driver:
    return Driver.objects.select_for_update().get(pk=driver.pk, organization=access.organization)


def _known(values: dict[str, str]) -> dict[str, str]:
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"a driver has no {', '.join(sorted(unknown))}")
    return values
