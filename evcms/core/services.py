"""People and organizations: founding, inviting, API tokens."""

import hashlib
import secrets
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from . import audit, clock, mailboxes
from .access import Access, Permission, Role
from .models import ApiToken, Membership, MfaPolicy, Organization, User

MARK = "evc_"


def found_organization(
    *,
    name: str,
    owner_email: str,
    owner_password: str,
    currency: str,
    time_zone: str,
    country: str = "NL",
    mfa_policy: str = MfaPolicy.MONEY,
) -> Organization:
    """The first organization and its owner (also staff of the installation, who may enter the admin).

    Raises ValidationError with a sentence for a currency or a zone that does not exist.
    """
    if time_zone not in available_timezones():
        raise ValidationError(_("%(zone)s is no time zone; give one such as Europe/Amsterdam.") % {"zone": time_zone})
    if not (len(currency) == 3 and currency.isalpha()):
        raise ValidationError(_("%(currency)s is no ISO 4217 currency code such as EUR.") % {"currency": currency})
    with transaction.atomic():
        organization = Organization.objects.create(
            name=name,
            slug=free_slug(name),
            currency=currency.upper(),
            time_zone=str(ZoneInfo(time_zone)),
            country=country.upper(),
            mfa_policy=mfa_policy,
        )
        owner = User.objects.create_user(owner_email, owner_password, is_staff=True, is_superuser=True)
        mailboxes.know(owner, verified=True)
        Membership.objects.create(user=owner, organization=organization, role=Role.OWNER)
        audit.record_system(organization, "organization.founded", organization)
    return organization


def free_slug(name: str) -> str:
    base = slugify(name)[:40] or "network"
    slug, number = base, 1
    while Organization.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{base}-{number}"
    return slug


def issue_token(
    *, access: Access, name: str, scopes: list[Permission], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Makes an API token; the secret is returned once and never stored. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.PEOPLE)
    too_much = [scope for scope in scopes if not access.can(scope)]
    if too_much or not scopes:
        raise ValidationError(_("A token needs at least one scope, and none beyond your own role."))
    return create_token(membership=access.membership, name=name, scopes=scopes, expires_at=expires_at, access=access)


def create_token(
    *,
    membership: Membership,
    name: str,
    scopes: list[Permission],
    expires_at: datetime | None = None,
    access: Access | None = None,
) -> tuple[ApiToken, str]:
    """As `issue_token`, without a person asking (the demo seed)."""
    secret = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            membership=membership,
            name=name,
            prefix=secret[:10],
            digest=token_digest(secret),
            scopes=[str(scope) for scope in scopes],
            expires_at=expires_at,
        )
        if access:
            audit.record(access, "api_token.issued", token, scopes=token.scopes)
    return token, secret


def token_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def revoke_token(*, access: Access, token: ApiToken) -> None:
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
        audit.record(access, "api_token.revoked", token)
