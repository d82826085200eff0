"""Who belongs to an organization: members come and go, at least one owner stays; every step is audited."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from . import audit, mailboxes
from .access import PERMISSIONS, Access, Permission, Role
from .models import Membership, Organization, User


def edit_organization(*, access: Access, **values: Any) -> Organization:
    """Any: fields of Organization, validated by its form. The currency never changes: amounts are stored in it."""
    access.demand(Permission.PEOPLE)
    organization = access.organization
    before = {name: str(getattr(organization, name)) for name in values}
    with transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(**values)
        after = {name: str(value) for name, value in values.items()}
        changed = {name: [before[name], after[name]] for name in values if before[name] != after[name]}
        audit.record(access, "organization.edited", organization, changed=changed)
    organization.refresh_from_db()
    return organization


def add_member(*, access: Access, email: str, role: Role, all_sites: bool = True) -> tuple[Membership, bool]:
    """Adds a person, with a new account when the address is unknown; True when the account is new (send a link).

    Raises PermissionDenied; ValidationError when the person is a member already.
    """
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        user = User.objects.filter(email__iexact=email).first()
        new = user is None
        if user is None:
            user = User.objects.create_user(email, None)
            mailboxes.know(user)
        if Membership.objects.filter(user=user, organization=access.organization).exists():
            raise ValidationError(_("%(email)s is a member already.") % {"email": email})
        membership = Membership.objects.create(
            user=user, organization=access.organization, role=role, all_sites=all_sites
        )
        audit.record(access, "member.added", membership, email=email, role=str(role))
    return membership, new


def change_member(*, access: Access, membership: Membership, role: Role) -> None:
    """Raises ValidationError when nobody would own the organization any more."""
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        locked = _locked(access, membership)
        if role != Role.OWNER:
            _keep_an_owner(locked)
        Membership.objects.filter(pk=locked.pk).update(role=role)
        audit.record(access, "member.changed", locked, role=[locked.role, str(role)])


def remove_member(*, access: Access, membership: Membership) -> None:
    """Their API tokens end with the membership."""
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        locked = _locked(access, membership)
        _keep_an_owner(locked)
        audit.record(access, "member.removed", locked, email=locked.user.email)
        locked.delete()


def remove_second_factor(*, email: str) -> int:
    """For who has lost telephone and recovery codes; asked for at the installation's own console. What is due asks for
    a new one at the next login. How many rows went; 0: there was none. Raises ValidationError for an unknown address.
    """
    user = User.objects.filter(email__iexact=email.strip()).first()
    if user is None:
        raise ValidationError(_("Nobody logs in as %(email)s.") % {"email": email})
    with transaction.atomic():
        gone = int(Authenticator.objects.filter(user=user).delete()[0])
        if gone:
            theirs: list[Organization | None] = [*Organization.objects.filter(memberships__user=user).order_by("pk")]
            for organization in theirs or [None]:
                audit.record_system(organization, "user.second_factor_removed", user)
    return gone


def _locked(access: Access, membership: Membership) -> Membership:
    rows = Membership.objects.select_for_update().filter(organization=access.organization)
    list(rows.filter(role=Role.OWNER).order_by("pk"))  # two owners who remove each other wait here
    return rows.get(pk=membership.pk)


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(organization=membership.organization, role=Role.OWNER).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise ValidationError(_("Somebody must own the organization: make another member an owner first."))


def edit_profile(*, user: User, **values: str) -> None:
    """A person's own name, zone and language."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**values)


def who_may(organization: Organization, permission: Permission, *, most: int = 3) -> list[str]:
    """Names of some members of all sites who may do this, operators before owners: whom to ask."""
    roles = [role for role in (Role.OPERATOR, Role.OWNER, *Role) if permission in PERMISSIONS[role]]
    rows = Membership.objects.filter(organization=organization, all_sites=True, role__in=roles, user__is_active=True)
    found = sorted(rows.select_related("user")[:100], key=lambda row: (roles.index(Role(row.role)), str(row.user)))
    return [str(row.user) for row in found[:most]]
