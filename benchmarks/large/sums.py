"""Sums of money by day, as the worker counts them (billing.services.revenue, ledger_days, payout_shares)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from billing import revenue
from billing.models import (
    JournalEntry,
    LedgerDay,
    LedgerMark,
    PayoutShare,
    RevenueDay,
    RevenueMark,
    SiteRevenueDay,
)
from billing.queries.revenue import borders
from billing.services import ask_customers_nightly, count_customers, ledger_days
from billing.services import revenue as counting
from evcms.core import clock
from evcms.core.models import Organization


def pour(filler):
    organization = Organization.objects.get(pk=filler.values["org"])
    mark, border = settled(organization, counting.SETTLES)
    steps = " + ".join(f"(b.total_minor > {border})::int" for border in borders(organization.currency))
    for model, site in ((SiteRevenueDay, "s.site_id"), (RevenueDay, "NULL::bigint")):
        filler.fill(
            model,
            f"(SELECT {site} AS site, (s.ended_at AT TIME ZONE :zone)::date AS day, t.tariff_id AS tariff, b.source, "
            f"b.currency, CASE WHEN b.total_minor > 0 THEN {steps} ELSE {revenue.NOTHING} END AS step, count(*) AS "
            "sessions, sum(s.energy_mwh) AS energy, sum(b.net_minor) AS net, sum(b.total_minor) AS billed, "
            "sum(b.shortfall_minor - b.waived_minor) AS unpaid FROM billing_bill b JOIN charging_chargingsession s "
            "ON s.id = b.session_id LEFT JOIN billing_pricesnapshot t ON t.id = b.snapshot_id WHERE "
            f"b.organization_id = :org AND b.state <> 'open' AND s.ended_at < {border} "
            "GROUP BY 1, 2, 3, 4, 5, 6) r ORDER BY r.day",
            organization_id=":org", day="r.day", tariff_id="r.tariff", source="r.source", currency="r.currency",
            step="r.step", sessions="r.sessions", energy_mwh="r.energy", net_minor="r.net", billed_minor="r.billed",
            unpaid_minor="r.unpaid", **({"site_id": "r.site"} if model is SiteRevenueDay else {}),
        )  # fmt: skip
    RevenueMark.objects.create(organization=organization, zone=organization.time_zone, day=mark)
    books(filler, organization)


def settled(organization, after):
    """The first day that is not settled, and its first moment in SQL."""
    zone = ZoneInfo(organization.time_zone)
    day = (clock.now().astimezone(zone) - after - timedelta(seconds=1)).date()
    return day, f"'{datetime.combine(day, datetime.min.time(), zone).isoformat()}'::timestamptz"


def books(filler, organization):
    border = ledger_days.border()
    filler.fill(
        LedgerDay,
        "(SELECT (e.at AT TIME ZONE :zone)::date AS day, l.account, e.kind, e.currency, "
        "COALESCE(sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0), 0) AS debit, "
        "-COALESCE(sum(l.amount_minor) FILTER (WHERE l.amount_minor < 0), 0) AS credit, count(*) AS lines "
        "FROM billing_journalline l JOIN billing_journalentry e ON e.id = l.entry_id WHERE e.organization_id = :org "
        f"AND e.at < '{border.isoformat()}'::timestamptz GROUP BY 1, 2, 3, 4) d",
        organization_id=":org", day="d.day", account="d.account", kind="d.kind", currency="d.currency",
        debit_minor="d.debit", credit_minor="d.credit", lines="d.lines",
    )  # fmt: skip
    last = JournalEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    LedgerMark.objects.create(organization=organization, zone=organization.time_zone, until=border, entry=last)
    filler.fill(
        PayoutShare,
        "(SELECT payout_id AS payout, organization_id AS whose, sum(net_minor) AS net, sum(fee_minor) AS fee FROM "
        "billing_balanceline WHERE payout_id IS NOT NULL AND kind NOT LIKE 'payout%' GROUP BY 1, 2) l",
        payout_id="l.payout", organization_id="l.whose", net_minor="l.net", fee_minor="l.fee",
    )  # fmt: skip


def customers(filler):
    """Counted by the worker: one statement."""
    ask_customers_nightly()
    filler.say(f"  {count_customers()} counting of customers")
