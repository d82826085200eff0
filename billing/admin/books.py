"""The books and what keeps them right: ledger, payouts, disputes, guards, settings. Looked at only."""

from django.contrib import admin

from billing.models import (
    BalanceLine,
    BillingSettings,
    BudgetGuard,
    CostShown,
    CustomerRun,
    Dispute,
    JournalEntry,
    JournalLine,
    LateBill,
    LedgerDay,
    LedgerMark,
    Payout,
    PayoutShare,
    ProofRun,
    RevenueDay,
    RevenueMark,
    SimulationRun,
    SitePricing,
    SiteRevenueDay,
)
from evcms.core.admin_base import ReadOnlyAdmin
from evcms.core.money import format_money

from .payments import money


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "organization", "kind", "key", "text")
    list_filter = ("kind", "organization", "currency", "at")
    search_fields = ("key", "text", "payment__public_id", "bill__session__public_id")
    list_select_related = ("organization",)


@admin.register(JournalLine)
class JournalLineAdmin(ReadOnlyAdmin):
    list_display = ("entry", "account", "sub", "amount")
    list_filter = ("account", "entry__organization")
    search_fields = ("entry__key", "sub")
    list_select_related = ("entry__organization",)

    @admin.display(description="Amount", ordering="amount_minor")
    def amount(self, row: JournalLine) -> str:
        return format_money(row.amount_minor, row.entry.currency)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = (
        "opened_at", "organization", "payment", "collection", money("amount_minor", "Amount"), "reason", "state",
        "respond_by", "evidence_sent_at", "closed_at",
    )  # fmt: skip
    list_filter = ("state", "organization", "opened_at")
    search_fields = ("public_id", "provider_id", "payment__public_id", "collection__public_id", "reason")
    list_select_related = ("organization", "payment", "collection")


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = (
        "provider_id", money("amount_minor", "Amount"), "state", "arrives_on", money("difference_minor", "Difference"),
        "checked_at", "error_text",
    )  # fmt: skip
    list_filter = ("state", "currency", "arrives_on")
    search_fields = ("provider_id", "error_text")


@admin.register(BalanceLine)
class BalanceLineAdmin(ReadOnlyAdmin):
    list_display = (
        "at", "provider_id", "organization", "kind", money("amount_minor", "Amount"), money("fee_minor", "Fee"),
        money("net_minor", "Net"), "payout",
    )  # fmt: skip
    list_filter = ("kind", "organization", "currency", "at")
    search_fields = ("provider_id", "source_id", "payment__public_id", "payout__provider_id")
    list_select_related = ("organization", "payout")


@admin.register(BudgetGuard)
class BudgetGuardAdmin(ReadOnlyAdmin):
    list_display = ("session", "state", "limit_mwh", "until", "by_transaction_limit", "told_at")
    list_filter = ("state", "by_transaction_limit")
    search_fields = ("session__public_id", "session__station__identity")
    list_select_related = ("session__station",)


@admin.register(CostShown)
class CostShownAdmin(ReadOnlyAdmin):
    """What stations were told to show; the currency is the bill's."""

    list_display = ("at", "session", "total_minor", "final")
    list_filter = ("final", "at")
    search_fields = ("session__public_id", "session__station__identity")
    list_select_related = ("session__station",)


@admin.register(SitePricing)
class SitePricingAdmin(ReadOnlyAdmin):
    list_display = ("site", "frozen", "energy_cost")
    list_filter = ("frozen", "site__organization")
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(BillingSettings)
class BillingSettingsAdmin(ReadOnlyAdmin):
    list_display = ("organization", "second_person", "refund_limit_minor", "refuse_unfunded", "most_debt_minor")
    list_filter = ("second_person", "refuse_unfunded")
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "name", "user", "state", "done", "total", "skipped", "error")
    list_filter = ("state", "organization", "created_at")
    search_fields = ("name", "user__email", "error")
    list_select_related = ("organization", "user")


@admin.register(RevenueDay)
class RevenueDayAdmin(ReadOnlyAdmin):
    list_display = ("organization", "day", "tariff", "source", "sessions", money("net_minor", "Net"), "step")
    list_filter = ("organization", "source", "currency", "day")
    search_fields = ("tariff__name",)
    list_select_related = ("organization", "tariff")


@admin.register(SiteRevenueDay)
class SiteRevenueDayAdmin(ReadOnlyAdmin):
    list_display = ("site", "day", "tariff", "source", "sessions", money("net_minor", "Net"), "step")
    list_filter = ("organization", "source", "currency", "day")
    search_fields = ("site__name", "tariff__name")
    list_select_related = ("organization", "site", "tariff")


@admin.register(RevenueMark)
class RevenueMarkAdmin(ReadOnlyAdmin):
    list_display = ("organization", "zone", "day")
    list_filter = ("organization",)
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(LateBill)
class LateBillAdmin(ReadOnlyAdmin):
    list_display = ("organization", "day")
    list_filter = ("organization", "day")
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(ProofRun)
class ProofRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "since", "until", "user", "state", "finished_at", "error")
    list_filter = ("state", "organization", "created_at")
    search_fields = ("user__email", "error")
    list_select_related = ("organization", "user")


@admin.register(LedgerDay)
class LedgerDayAdmin(ReadOnlyAdmin):
    list_display = (
        "organization", "day", "account", "kind", money("debit_minor", "Debit"), money("credit_minor", "Credit"),
        "lines",
    )  # fmt: skip
    list_filter = ("organization", "account", "currency", "day")
    search_fields = ("kind",)
    list_select_related = ("organization",)


@admin.register(LedgerMark)
class LedgerMarkAdmin(ReadOnlyAdmin):
    list_display = ("organization", "zone", "until", "entry")
    list_filter = ("organization",)
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(PayoutShare)
class PayoutShareAdmin(ReadOnlyAdmin):
    list_display = ("payout", "organization", "net_minor", "fee_minor")
    list_filter = ("organization",)
    search_fields = ("payout__provider_id",)
    list_select_related = ("organization", "payout")


@admin.register(CustomerRun)
class CustomerRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "since", "until", "asked", "state", "finished_at", "error")
    list_filter = ("state", "organization", "created_at")
    search_fields = ("asked", "error")
    list_select_related = ("organization",)
