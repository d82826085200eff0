"""Who runs Marenhaven's network and who charges there: the organization, its people, cards and drivers."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from alerts import services as alerts
from alerts.models import Notification
from alerts.vocabulary import Severity
from evcms.core import services as core
from evcms.core.access import Access, Permission, Role
from evcms.core.models import Membership, MfaPolicy, Organization, User
from evcms.core.people import edit_organization, edit_profile
from evcms.demo import duty, funding
from evcms.simulator.city import City
from sessions import services as sessions
from sessions.models import Driver, IdToken
from sessions.vocabulary import TokenStatus
from stations.models import Site, SiteGrant

SLUG: Final = "marenhaven-laadt"
DOMAIN: Final = "marenhaven.example"
PASSWORD: Final = "laden-in-marenhaven"  # noqa: S105 - the demo listens on this machine only and prints it
ALERT_CONTACT: Final = f"storing@{DOMAIN}"


@dataclass(frozen=True)
class Login:
    who: str
    name: str
    role: Role | None  # None: no member
    staff: bool = False

    @property
    def email(self) -> str:
        return f"{self.who}@{DOMAIN}"


OWNER: Final = Login("owner", "Olga Owens", Role.OWNER, staff=True)
DRIVER: Final = Login("driver", "Daan Dekkers", None)
LOGINS: Final = (
    Login("operator", "Otto Prins", Role.OPERATOR),
    Login("staff", "Sanne Staal", None, staff=True),
    OWNER,
    Login("finance", "Fenne Farah", Role.FINANCE),
    Login("technician", "Teun Tak", Role.TECHNICIAN),
    DRIVER,
)
REFUSED_CARDS: Final = {  # (status, days until it expires, None: never)
    "04DEAD00000001": (TokenStatus.BLOCKED, None),
    "04DEAD00000002": (TokenStatus.BLOCKED, None),
    "04DEAD00000003": (TokenStatus.ACCEPTED, -120),
    "04DEAD00000004": (TokenStatus.EXPIRED, None),
}
DRIVER_CARD: Final = "04A1B2C3D4E5F6"


def found(city: City, since: datetime) -> Access:
    """The organization and its people; the owner's access, in whose name the rest is configured."""
    organization = core.found_organization(
        name=f"{city.name} Laadt",
        owner_email=OWNER.email,
        owner_password=PASSWORD,
        currency=city.currency,
        time_zone=city.zone,
        country=city.country,
        mfa_policy=MfaPolicy.NOBODY,
    )
    Organization.objects.filter(pk=organization.pk).update(created_at=since)
    membership = Membership.objects.select_related("user", "organization").get(organization=organization)
    access = Access(organization, membership, membership.user, str(membership.user))
    _describe(access, city)
    for login in LOGINS:
        _join(access, login)
    contact = alerts.save_contact(access=access, email=ALERT_CONTACT, least_severity=Severity.SERIOUS)
    contact.destinations.update(confirmed_at=since)
    Notification.objects.filter(template="contact_confirm").delete()  # its owner has answered long ago
    duty.staff(access, since, DOMAIN)
    return access


def _describe(access: Access, city: City) -> None:
    edit_organization(
        access=access,
        legal_name=f"{city.name} Laadt B.V.",
        address=f"Kade 12\n4614 AB {city.name}",
        vat_id="NL001234567B01",
        support_email=f"hulp@{DOMAIN}",
        support_phone="+31 85 000 0000",
    )


def _join(access: Access, login: Login) -> None:
    if login is not OWNER:
        User.objects.create_user(login.email, PASSWORD, is_staff=login.staff, is_superuser=login.staff)
    user = User.objects.get(email=login.email)
    edit_profile(user=user, name=login.name)
    if login.role is not None and login is not OWNER:
        everywhere = login.role != Role.TECHNICIAN
        Membership.objects.create(user=user, organization=access.organization, role=login.role, all_sites=everywhere)


def show_sites(organization: Organization, sites: Mapping[str, Site]) -> None:
    """The technician looks after the inner city."""
    membership = Membership.objects.get(organization=organization, role=Role.TECHNICIAN)
    SiteGrant.objects.bulk_create(
        [SiteGrant(membership=membership, site=sites[code]) for code in ("CEN", "VIS", "HKW")]
    )


def issue_api_token(organization: Organization) -> str:
    """Of the operator, with all that he may do."""
    membership = Membership.objects.get(organization=organization, role=Role.OPERATOR)
    scopes = [Permission.VIEW, Permission.COMMAND, Permission.STATIONS, Permission.TOKENS, Permission.INCIDENTS,
              Permission.TARIFFS]  # fmt: skip
    return core.create_token(membership=membership, name="Demo", scopes=scopes)[1]


def keep_logins(folder: Path, api_token: str, code: str, reader: str, kept: list[str]) -> None:
    """For the greeting of this and later starts, and the page that lists every way to pay. `code`: of a connector that
    is kept free for who tries it, `reader`: of the card reader beside it, `kept`: all stations that no driver of ours
    comes to.
    """
    logins = [{"who": login.who, "email": login.email} for login in LOGINS]
    left: dict[str, object] = {"password": PASSWORD, "logins": logins, "api_token": api_token}
    left |= {"try": code, "reader": reader, "kept": kept}
    write_private(folder / "logins.json", json.dumps(left, indent=1))


def write_private(path: Path, words: str) -> None:
    """Whole or not at all, mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{words}\n")
    draft.replace(path)


# Drivers and cards ----------------------------------------------------------------------------------------------------


def cards(access: Access, city: City, since: datetime, now: datetime) -> dict[str, IdToken]:
    """Every driver's card by its number. Depot drivers share a group, so do some families; a few cards are refused."""
    drivers = _drivers(access.organization, city, since)
    depot = next(index for index, site in enumerate(city.sites) if site.kind == "depot")
    funding.plant(access, drivers, {number for number in range(len(drivers)) if number % len(city.sites) == depot})
    made = {}
    for number, (who, driver) in enumerate(zip(city.drivers, drivers, strict=True)):
        group = "ZEEWEG-LOGISTIEK" if number % len(city.sites) == depot else ""
        group = group or (f"FAMILY-{number // 12:03d}" if number % 12 in (3, 4) else "")
        made[who.token] = sessions.create_token(
            access=access, value=who.token, driver=driver, group_id=group, label=who.name
        )
    for value, (status, days) in REFUSED_CARDS.items():
        expires = None if days is None else now + timedelta(days=days)
        made[value] = sessions.create_token(
            access=access, value=value, status=status, expires_at=expires, label=f"Card {value[-2:]}"
        )
    _own_card(access)
    IdToken.objects.filter(organization=access.organization).update(created_at=since)
    return made


def _drivers(organization: Organization, city: City, since: datetime) -> list[Driver]:
    rows = [
        Driver(organization=organization, name=who.name, email=who.email, language="nl", created_at=since)
        for who in city.drivers
    ]
    return Driver.objects.bulk_create(rows)


def _own_card(access: Access) -> None:
    """The one of the driver who can log in."""
    user = User.objects.get(email=DRIVER.email)
    driver = Driver.objects.create(
        organization=access.organization, user=user, name=DRIVER.name, email=DRIVER.email, language="en"
    )
    sessions.create_token(access=access, value=DRIVER_CARD, driver=driver, label=DRIVER.name)


def folder() -> Path:
    """Where the demo keeps what it must not forget: logins, the fleet, the truth."""
    return Path(settings.DATA_DIR) / "demo"
