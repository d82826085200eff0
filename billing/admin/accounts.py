"""How drivers are paid for: cards on file, cars, rules, accounts, vouchers, debts, statements. Looked at only."""

from django.contrib import admin

from billing.models import (
    Account,
    CardSetup,
    Collection,
    Debt,
    Enrolment,
    FundingRule,
    PastLink,
    PaymentMethod,
    Statement,
    StatementCorrection,
    Voucher,
)
from evcms.core.admin_base import ReadOnlyAdmin
from evcms.core.money import format_money

from .payments import money


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    list_display = ("driver", "organization", "card", "state", "is_default", "error_code", "created_at", "removed_at")
    list_filter = ("state", "organization")
    search_fields = ("driver__name", "driver__email", "card", "customer_id", "method_id")
    list_select_related = ("driver", "organization")


@admin.register(CardSetup)
class CardSetupAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "driver", "organization", "state", "error_code", "done_at")
    list_filter = ("state", "organization", "created_at")
    search_fields = ("public_id", "driver__name", "driver__email", "customer_id", "setup_id")
    list_select_related = ("driver", "organization")


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "driver", "organization", "vehicle_id", "label", "state", "confirmed_at", "ended_at")
    list_filter = ("state", "organization")
    search_fields = ("public_id", "vehicle_id", "label", "driver__name", "driver__email")
    list_select_related = ("driver", "organization")


@admin.register(FundingRule)
class FundingRuleAdmin(ReadOnlyAdmin):
    list_display = ("source", "token", "driver", "group", "account", "method", "organization", "created_at")
    list_filter = ("source", "organization")
    search_fields = ("token__value", "driver__name", "driver__email", "group__name", "account__name")
    list_select_related = ("token", "driver", "group", "account", "method__driver", "organization")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "kind", "organization", money("balance_minor", "Balance"), money("held_minor", "Set aside"),
        "driver", "created_at", "closed_at",
    )  # fmt: skip
    list_filter = ("kind", "organization", "currency")
    search_fields = ("public_id", "name", "legal_name", "email", "vat_id", "driver__name")
    list_select_related = ("organization", "driver")


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    list_display = (
        "code", "label", "organization", money("value_minor", "Value"), money("left_minor", "Left"), "sold",
        "valid_until", "voided_at",
    )  # fmt: skip
    list_filter = ("organization", "sold", "currency", "created_at")
    search_fields = ("code", "label")
    list_select_related = ("organization",)


@admin.register(Debt)
class DebtAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "organization", "driver", "email", money("amount_minor", "Owed"),
        money("collected_minor", "Collected"), "state", "reason",
    )  # fmt: skip
    list_filter = ("state", "organization", "currency")
    search_fields = ("public_id", "email", "driver__name", "reason", "bill__session__public_id")
    list_select_related = ("organization", "driver")


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "organization", "purpose", money("amount_minor", "Amount"), "state",
        money("refunded_minor", "Given back"), money("disputed_minor", "Disputed"), "email", "paid_at", "error_code",
    )  # fmt: skip
    list_filter = ("purpose", "state", "organization", "created_at")
    search_fields = ("public_id", "intent_id", "checkout_id", "charge_id", "email")
    list_select_related = ("organization",)


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = (
        "number", "account", "organization", money("total_minor", "Total"), money("paid_minor", "Paid"), "state",
        "issued_at", "due_on",
    )  # fmt: skip
    list_filter = ("state", "organization", "year")
    search_fields = ("=sequence", "public_id", "account__name", "account__legal_name")
    list_select_related = ("account", "organization")


@admin.register(StatementCorrection)
class StatementCorrectionAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "statement", "listed_on", "account", "total", "reason", "created_by")
    list_filter = ("organization", "created_at")
    search_fields = ("account__name", "reason", "bill__session__public_id")
    list_select_related = ("statement", "listed_on", "account", "created_by")

    @admin.display(description="Difference", ordering="total_minor")
    def total(self, row: StatementCorrection) -> str:
        return format_money(row.total_minor, row.account.currency)


@admin.register(PastLink)
class PastLinkAdmin(ReadOnlyAdmin):
    """Without the token itself: it may still ask for its successor."""

    fields = list_display = ("ended_at", "debt", "statement")
    list_filter = ("ended_at",)
    search_fields = ("debt__email", "statement__account__name")
    list_select_related = ("debt", "statement")
