"""Who pays for the cards of the demo: the companies that issued them, monthly; the city's own people charge free."""

from typing import Any, Final

from billing.models import Account, FundingRule, Statement
from billing.services import accounts, statements
from billing.vocabulary import AccountKind, FundingSource
from evcms.core.access import Access
from sessions.models import Driver, DriverGroup

LOGISTICS, STAFF = "Zeeweg Logistiek", "Gemeentewerken"
ISSUERS: Final = ("MobiPas", "LaadPlus Europe")
EVERY_STAFF: Final = 25  # cards
COMPANIES: Final[dict[str, dict[str, str]]] = {
    LOGISTICS: {"legal_name": "Zeeweg Logistiek B.V.", "address": "Zeeweg 3\n4389 MH Marenhaven", "country": "NL"},
    "MobiPas": {"legal_name": "MobiPas N.V.", "address": "Oude Markt 12\n3000 Leuven", "country": "BE"},
    "LaadPlus Europe": {"legal_name": "LaadPlus Europe GmbH", "address": "Hafenstr. 8\n20457 Hamburg", "country": "DE"},
}


def plant(access: Access, drivers: list[Driver], logistics: set[int]) -> None:
    """Groups of drivers with their way to pay. `logistics`: the indexes of the depot's drivers."""
    groups = {name: DriverGroup.objects.create(organization=access.organization, name=name) for name in _names()}
    for name, group in groups.items():
        _fund(access, name, group)
    for number, driver in enumerate(drivers):
        driver.group = groups[_group_of(number, logistics)]
    Driver.objects.bulk_update(drivers, ["group"])


def _names() -> list[str]:
    return [LOGISTICS, STAFF, *ISSUERS]


def _group_of(number: int, logistics: set[int]) -> str:
    if number in logistics:
        return LOGISTICS
    return STAFF if number % EVERY_STAFF == 0 else ISSUERS[number % len(ISSUERS)]


def _fund(access: Access, name: str, group: DriverGroup) -> None:
    free = name == STAFF
    said: dict[str, Any] = {"reason": "City staff charge free"} if free else COMPANIES[name]
    account = accounts.open_account(
        access=access, kind=AccountKind.FREE if free else AccountKind.FLEET, name=name, **said
    )
    source = FundingSource.FREE if free else FundingSource.FLEET
    FundingRule.objects.create(organization=access.organization, group=group, source=source, account=account)


def by_group(organization_id: int) -> dict[int | None, Account]:
    """Group → the account that pays."""
    rules = FundingRule.objects.filter(organization_id=organization_id).select_related("account")
    return {rule.group_id: rule.account for rule in rules if rule.account}


def send_statements(access: Access) -> int:
    """Every month that is over; all but the last have been paid by transfer. Returns how many."""
    count = statements.issue_statements()
    rows = Statement.objects.filter(organization=access.organization).order_by("starts_at")
    newest = rows.last()
    for row in rows.exclude(starts_at=newest.starts_at) if newest else ():
        statements.record_payment(
            access=access, statement=row, amount_minor=row.total_minor, reference=f"Transfer {row.number}"
        )
    return count
