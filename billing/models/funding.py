"""How sessions are paid without a page: saved cards, accounts, vouchers, and who uses which."""

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import (
    AccountKind,
    CollectionState,
    DebtState,
    EnrolmentState,
    FundingSource,
    MethodState,
    Purpose,
    SetupState,
    StatementKind,
    StatementState,
)
from evcms.core import clock
from evcms.core.models import Organization, User
from sessions import cars
from sessions.models import ChargingSession, Driver, DriverGroup, IdToken
from stations.models import Site

from .base import guest_token
from .documents import Bill

COLLECTION_LOOKS: Final[dict[str, str]] = {CollectionState.PAID: "captured", CollectionState.CHARGING: "capturing"}


class PaymentMethod(models.Model):
    """A card that a driver left with the provider. We keep the provider's names for it and what receipts show."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="payment_methods")
    driver = models.ForeignKey(Driver, models.PROTECT, related_name="payment_methods")
    customer_id = models.CharField(max_length=80)
    method_id = models.CharField(max_length=80, unique=True)
    card = models.CharField(max_length=40, blank=True, help_text=_("Brand and last four digits"))
    expires = models.DateField(null=True, help_text=_("Last day of its last month"))
    state = models.CharField(max_length=10, choices=MethodState, default=MethodState.ACTIVE)
    is_default = models.BooleanField(default=False)
    error_code = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["driver"], condition=models.Q(is_default=True), name="one_default_card")
        ]

    def __str__(self) -> str:
        return self.card or self.method_id


class CardSetup(models.Model):
    """A driver on the way to leaving a card: the provider's page in setup mode, or the mending of a refused one."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    driver = models.ForeignKey(Driver, models.PROTECT, related_name="card_setups")
    state = models.CharField(max_length=10, choices=SetupState, default=SetupState.CREATED)
    customer_id = models.CharField(max_length=80, blank=True)
    checkout_id = models.CharField(max_length=80, blank=True, db_index=True)
    checkout_url = models.URLField(max_length=600, blank=True)
    setup_id = models.CharField(max_length=80, blank=True, db_index=True)
    method = models.ForeignKey(PaymentMethod, models.SET_NULL, null=True, related_name="setups")
    back_to = models.CharField(max_length=200, blank=True, help_text=_("Path on our own site after the provider's"))
    language = models.CharField(max_length=8, default="en")
    error_code = models.CharField(max_length=80, blank=True)
    error_text = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.driver} {self.state}"


class Account(models.Model):
    """Money or credit that sessions draw on: a prepaid balance, a fleet that is invoiced, a free policy.

    `balance_minor` is the sum of the account's ledger lines, kept in the same transaction: a start reads one row.
    Prepaid: what is left; fleet: what is not paid yet (positive).
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="accounts")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=AccountKind)
    name = models.CharField(_("name"), max_length=120)
    driver = models.ForeignKey(Driver, models.PROTECT, null=True, blank=True, related_name="accounts")
    currency = models.CharField(_("currency"), max_length=3)
    balance_minor = models.BigIntegerField(default=0)
    held_minor = models.BigIntegerField(
        default=0, help_text=_("Prepaid: set aside for sessions that run, refunds on their way, disputes")
    )
    limit_minor = models.BigIntegerField(
        _("limit"), null=True, blank=True, help_text=_("Fleet: most that may be unpaid; free: most a month")
    )
    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    address = models.TextField(_("address"), blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    vat_id = models.CharField(_("VAT id"), max_length=32, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(max_length=8, default="en")
    payment_days = models.PositiveSmallIntegerField(_("days to pay"), default=14)
    reason = models.CharField(_("why it is free"), max_length=160, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def reference(self) -> str:
        """What people tell each other to find it: the begin of its public id."""
        return self.public_id[:8]


class FundingRule(models.Model):
    """Who is paid for how: exactly one of token, driver, group; the most particular wins."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="funding_rules")
    token = models.OneToOneField(IdToken, models.CASCADE, null=True, blank=True, related_name="funding")
    driver = models.OneToOneField(Driver, models.CASCADE, null=True, blank=True, related_name="funding")
    group = models.OneToOneField(DriverGroup, models.CASCADE, null=True, blank=True, related_name="funding")
    source = models.CharField(max_length=8, choices=FundingSource)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="rules")
    method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, blank=True, related_name="rules")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(token__isnull=False, driver=None, group=None)
                    | models.Q(token=None, driver__isnull=False, group=None)
                    | models.Q(token=None, driver=None, group__isnull=False)
                ),
                name="rule_for_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.token or self.driver or self.group}: {self.source}"


class Voucher(models.Model):
    """A code that pays: bought or given. Worth an amount; what is left stays on it until it expires."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="vouchers")
    code = models.CharField(_("code"), max_length=24, help_text=_("Upper case, without signs between"))
    label = models.CharField(_("label"), max_length=80, blank=True)
    currency = models.CharField(max_length=3)
    value_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField()
    held_minor = models.BigIntegerField(default=0, help_text=_("Set aside for sessions that run"))
    sold = models.BooleanField(default=False, help_text=_("Paid for by somebody: a debt of ours, not a gift"))
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+")
    valid_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="one_voucher_code"),
            models.CheckConstraint(condition=models.Q(left_minor__gte=0), name="voucher_never_below_zero"),
        ]

    def __str__(self) -> str:
        return self.label or self.code

    @property
    def last_moment(self) -> datetime | None:
        """The last one at which it works: people say the day that is included, rows the moment after it."""
        return self.valid_until - timedelta(seconds=1) if self.valid_until else None

    @property
    def spelled(self) -> str:
        """As it is printed: AB12-CD34-EF56."""
        return "-".join(self.code[place : place + 4] for place in range(0, len(self.code), 4))


class Enrolment(models.Model):
    """Autocharge: a car's own id, seen once in a paid session, becomes its driver's token when he confirms it."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="enrolments")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    driver = models.ForeignKey(Driver, models.CASCADE, related_name="enrolments")
    vehicle_id = models.CharField(max_length=36, blank=True, help_text=_("EVCCID / MAC address, once it was seen"))
    label = models.CharField(_("name of the car"), max_length=80, blank=True)
    session = models.ForeignKey(ChargingSession, models.SET_NULL, null=True, related_name="+")
    token = models.OneToOneField(IdToken, models.SET_NULL, null=True, related_name="enrolment")
    state = models.CharField(max_length=10, choices=EnrolmentState, default=EnrolmentState.ASKED)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.label or self.vehicle_id} {self.state}"

    @property
    def seen_as(self) -> str:
        """The end of the car's id, enough to tell two cars apart."""
        return cars.shown(self.vehicle_id) if self.vehicle_id else ""


class Debt(models.Model):
    """What of a bill was not covered and somebody owes. Who knows `public_id` may pay it, PAY_LINK_DAYS long."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="debts")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    linked_at = models.DateTimeField(default=clock.now, help_text=_("When its link was made"))
    bill = models.OneToOneField(Bill, models.PROTECT, related_name="debt")
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="debts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    collected_minor = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=160)
    state = models.CharField(max_length=8, choices=DebtState, default=DebtState.OPEN)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=8, default="en")
    created_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["driver"], condition=models.Q(state="open"), name="debts_open")]
        constraints = [models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="debt_is_positive")]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency} {self.state}"


class Collection(models.Model):
    """One hosted payment that is no hold: a debt is paid, a balance topped up, a statement settled."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="collections")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose)
    debt = models.ForeignKey(Debt, models.PROTECT, null=True, related_name="collections")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="collections")
    statement = models.ForeignKey("billing.Statement", models.PROTECT, null=True, related_name="collections")
    driver = models.ForeignKey(Driver, models.SET_NULL, null=True, related_name="collections")
    method = models.ForeignKey(PaymentMethod, models.SET_NULL, null=True, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0, help_text=_("Taken back by the bank for now, or for good"))
    state = models.CharField(max_length=10, choices=CollectionState, default=CollectionState.CREATED)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=8, default="en")
    intent_id = models.CharField(max_length=80, blank=True, db_index=True)
    checkout_id = models.CharField(max_length=80, blank=True, db_index=True)
    checkout_url = models.URLField(max_length=600, blank=True)
    charge_id = models.CharField(max_length=80, blank=True)
    card = models.CharField(max_length=40, blank=True)
    fee_minor = models.BigIntegerField(null=True)
    back_to = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_text = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    paid_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="collections_to_do")]
        constraints = [models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="collection_is_positive")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.amount_minor} {self.currency} {self.state}"

    @property
    def captured_minor(self) -> int:
        """What the provider has charged."""
        return self.amount_minor if self.state == CollectionState.PAID else 0

    @property
    def look(self) -> str:
        """The status whose shape and colour it is drawn with."""
        return COLLECTION_LOOKS.get(self.state, self.state)

    @property
    def whose(self) -> str:
        """Whom or what it was for, in a few words."""
        if self.account_id and self.account:
            return str(self.account)
        if self.statement_id and self.statement:
            return f"{self.statement.number} · {self.statement.account}"
        if self.debt_id and self.debt:
            return str(self.debt.driver or self.debt.email or self.debt.bill.session.station)
        return str(self.driver or self.email)


class Statement(models.Model):
    """A fleet's month: every bill of its account, and what was corrected of earlier months since the last one. Numbered
    as a fiscal document, unchanged once issued. A credit note (total below 0) is set off against what is open.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="statements")
    public_id = models.CharField(max_length=32, unique=True, default=guest_token, editable=False)
    linked_at = models.DateTimeField(default=clock.now, help_text=_("When its link was made"))
    kind = models.CharField(max_length=8, choices=StatementKind, default=StatementKind.MONTH)
    account = models.ForeignKey(Account, models.PROTECT, related_name="statements")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text=_("Not included"))
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField(default=0)
    document = models.JSONField()
    state = models.CharField(max_length=8, choices=StatementState, default=StatementState.ISSUED)
    issued_at = models.DateTimeField(default=clock.now)
    due_on = models.DateField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-issued_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "starts_at"], condition=models.Q(kind="month"), name="one_statement_a_month"
            ),
            models.UniqueConstraint(fields=["organization", "year", "sequence"], name="statement_number"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"S{self.year}-{self.sequence:05d}"


class StatementCorrection(models.Model):
    """A bill that stands on an issued statement got another price: the difference. The next statement (or a credit
    note) of the account lists with a reference to the old one.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="statement_corrections")
    account = models.ForeignKey(Account, models.PROTECT, related_name="corrections")
    bill = models.ForeignKey(Bill, models.PROTECT, related_name="corrections")
    statement = models.ForeignKey(
        Statement, models.PROTECT, related_name="corrections", help_text=_("It stands as it is")
    )
    listed_on = models.ForeignKey(Statement, models.PROTECT, null=True, related_name="corrected")
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    energy_mwh = models.BigIntegerField(default=0)
    taxes = models.JSONField(help_text=_("The difference by rates: rate, net, tax"))
    reason = models.CharField(max_length=200)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.statement}: {self.total_minor} {self.account.currency}"


class PastLink(models.Model):
    """A link to a debt or a statement that a newer one has replaced: it opens nothing, but its owner may ask again."""

    token = models.CharField(max_length=32, unique=True)
    debt = models.ForeignKey(Debt, models.CASCADE, null=True, related_name="past_links")
    statement = models.ForeignKey(Statement, models.CASCADE, null=True, related_name="past_links")
    ended_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(debt__isnull=False, statement=None) | models.Q(debt=None, statement__isnull=False),
                name="link_of_one",
            )
        ]

    def __str__(self) -> str:
        return str(self.debt or self.statement)
