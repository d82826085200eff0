"""What it costs here, what it has cost so far, what a charge would cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from billing import availability, lookup, pricing, usual
from billing.models import Bill, Tariff, TariffAssignment
from billing.pricing import Priced, Terms
from billing.reckoning import priced
from billing.services.payments import hold_of
from billing.vocabulary import BillState, Refusal
from billing.wording import CostLine, PriceLine, cost_line, remarks
from billing.wording import price_lines as words_of
from evcms.core import clock
from evcms.core.access import Access
from evcms.core.figures import amount
from sessions.models import ChargingSession
from stations.models import Connector, PowerType
from stations.queries import visible_sites


@dataclass(frozen=True)
class Offer:
    """What a connector page says before the start. `refusal`, `why_not`: why a paid start is not possible."""

    lines: list[PriceLine]  # kWh, minute, session, other: the legal order; empty when free or without a tariff
    remarks: list[str]  # tax, cap
    example: str  # "20 kWh in 40 min ≈ 10.90 €"
    hold: str  # "50.00 €", empty when nothing is held
    currency: str
    free: bool
    refusal: Refusal | None
    tariff_id: int | None
    for_group: bool = False  # not the price that anybody pays

    @property
    def payable(self) -> bool:
        return self.refusal is None

    @property
    def why_not(self) -> str:
        return str(self.refusal.label) if self.refusal else ""


@dataclass(frozen=True)
class Cost:
    """A price in words. `final`: the session has ended and its bill stands."""

    total_minor: int
    currency: str
    total: str
    net: str
    tax: str
    lines: list[CostLine]
    final: bool
    state: str = ""
    reason: str = ""


def tariff_for(*, connector: Connector, at: datetime | None = None, group_id: int | None = None) -> Tariff | None:
    """The tariff of the most particular assignment in force (connector, station, site, organization), for a driver of
    the group or for anybody.
    """
    return availability.tariff_at(connector, at or clock.now(), group_id=group_id)


def price_lines(*, connector: Connector, at: datetime | None = None) -> list[PriceLine]:
    """The price's components in the legal order; empty when it is free or no tariff is in force."""
    tariff = tariff_for(connector=connector, at=at)
    return words_of(lookup.terms_of(tariff, lookup.setting_here(connector))) if tariff else []


def offer(
    *, connector: Connector, group_id: int | None = None, charge: tuple[int, int] = (usual.KWH, usual.MINUTES)
) -> Offer:
    """Everything that a driver (of a group) must know before the start. `charge`: his usual kWh and minutes, for the
    example. About 5 queries.
    """
    tariff = tariff_for(connector=connector, group_id=group_id)
    refusal = availability.refusal(connector, tariff)
    if tariff is None:
        return Offer([], [], "", "", "", False, refusal, None)
    terms = lookup.terms_of(tariff, lookup.setting_here(connector))
    held = "" if refusal in (Refusal.PAYMENTS_OFF, Refusal.FREE) else amount(hold_of(tariff), tariff.currency)
    return Offer(
        lines=words_of(terms),
        remarks=remarks(terms),
        example=example_of(terms, _at(connector, charge)),
        hold=held,
        currency=tariff.currency,
        free=terms.free,
        refusal=refusal,
        tariff_id=tariff.pk,
        for_group=group_id is not None and tariff != tariff_for(connector=connector),
    )


def _at(connector: Connector, charge: tuple[int, int]) -> tuple[int, int]:
    """The charge in the time that this plug needs for it."""
    direct = connector.power_type == PowerType.DC
    kwh, minutes = charge
    return kwh, usual.minutes_at(kwh=kwh, minutes=minutes, watts=connector.told_power_w or 0, direct=direct)


def example_of(terms: Terms, charge: tuple[int, int] = (usual.KWH, usual.MINUTES)) -> str:
    """(kWh, minutes) → "20 kWh in 40 min ≈ 10.90 €", beginning now."""
    energy, minutes = charge
    result = pricing.example(
        terms, energy_mwh=energy * pricing.MWH_PER_KWH, charging=timedelta(minutes=minutes), starts_at=clock.now()
    )
    words = {"energy": energy, "minutes": minutes, "amount": amount(result.total, result.currency)}
    return _("%(energy)s kWh in %(minutes)s min ≈ %(amount)s") % words


def cost_so_far(*, session: ChargingSession) -> Cost | None:
    """The running cost by the function that prices the end; the bill itself once it stands. None without a price."""
    bill = Bill.objects.select_related("snapshot").filter(session=session).first()
    return cost_by_now(session=session, bill=bill) if bill else None


def cost_by_now(*, session: ChargingSession, bill: Bill) -> Cost | None:
    """As `cost_so_far`, for who has the session's bill already."""
    if bill.snapshot is None:
        return None
    if bill.state != BillState.OPEN and bill.trace:
        return cost_of(bill)
    return _in_words(priced(session, bill.snapshot), final=False)


def cost_of(bill: Bill) -> Cost:
    """A bill that stands, from its stored trace."""
    currency = bill.currency
    told = (bill.trace or {}).get("lines", [])
    lines = [cost_line(line, currency) for line in told if line["quantity"] or line["amount"]]  # no "0 min … 0.00 €"
    return Cost(
        total_minor=bill.total_minor,
        currency=currency,
        total=amount(bill.total_minor, currency),
        net=amount(bill.net_minor, currency),
        tax=amount(bill.tax_minor, currency),
        lines=lines,
        final=bill.state != BillState.OPEN,
        state=bill.state,
        reason=bill.reason,
    )


def _in_words(result: Priced, *, final: bool) -> Cost:
    currency = result.currency
    return Cost(
        total_minor=result.total,
        currency=currency,
        total=amount(result.total, currency),
        net=amount(result.net, currency),
        tax=amount(result.tax, currency),
        lines=[cost_line(line, currency) for line in result.lines if line.quantity or line.amount],
        final=final,
    )


def tariffs(access: Access) -> QuerySet[Tariff]:
    """The organization's tariffs in use, by name."""
    return Tariff.objects.filter(organization=access.organization, archived_at=None).prefetch_related("assignments")


def visible_assignments(access: Access) -> QuerySet[TariffAssignment]:
    """The organization's, without all sites only those that hold everywhere or at a granted site."""
    rows = TariffAssignment.objects.filter(organization=access.organization)
    if access.all_sites:
        return rows
    sites = visible_sites(access)
    everywhere = Q(site=None, station=None, connector=None)
    at_theirs = Q(site__in=sites) | Q(station__site__in=sites) | Q(connector__station__site__in=sites)
    return rows.filter(everywhere | at_theirs)


def assignments(access: Access, tariff: Tariff) -> QuerySet[TariffAssignment]:
    """Where a tariff holds now or will, the most general first; places that this person sees."""
    current = visible_assignments(access).filter(tariff=tariff).exclude(valid_until__lte=clock.now())
    return current.select_related("organization", "site", "station", "connector__station", "connector__evse", "tariff")


def outdone(access: Access) -> dict[int, Tariff]:
    """Assignments without effect now → the tariff that holds instead at the same place for the same group: the one of
    higher priority, of equals the newest.
    """
    now = clock.now()
    rows = visible_assignments(access).filter(tariff__archived_at=None, valid_from__lte=now)
    rows = rows.exclude(valid_until__lte=now).select_related("tariff").order_by("priority", "valid_from", "pk")
    newest = {_place(row): row.tariff for row in rows}
    last = {_place(row): row.pk for row in rows}
    return {row.pk: newest[_place(row)] for row in rows if last[_place(row)] != row.pk}


def _place(row: TariffAssignment) -> tuple[int | None, int | None, int | None, int | None]:
    return row.site_id, row.station_id, row.connector_id, row.group_id
