"""Past bills, payments and receipts as rows: priced by billing.pricing, settled by its rule, numbered in time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from billing.gateways import amounts
from billing.models import Account, Bill, Payment, PaymentEvent, PaymentMethod, Receipt, ReceiptCounter
from billing.periods import Link, Reading, Status, pack, periods
from billing.pricing import Period, price
from billing.receipts import document
from billing.services.sources.card import chargeable, why_nothing
from billing.vocabulary import AccountKind, BillState, FundingSource, PaymentKind, PaymentState, Step
from evcms.core.money import format_money
from evcms.demo import keys, tries
from evcms.demo.books import Books
from evcms.demo.charging import START_WITHIN, Charging, Place, next_keys, readings
from evcms.demo.funding import by_group
from evcms.demo.moments import ANSWER, CAPTURED, SECOND, SETTLED, Paying
from evcms.demo.street import Price
from evcms.demo.till import DECLINED, NUMBERS, USUAL, Held, Till
from evcms.simulator.past import PastAttempt, PastSession
from sessions.models import Attempt, ChargingSession
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause
from stations.models import Connector

LANGUAGES: Final = ("nl", "nl", "en", "nl", "de", "nl", "en", "fr")
PATIENCE: Final = timedelta(minutes=31)  # billing.services.payments: an unpaid page is closed
FOUND_OUT: Final = 5 * SECOND  # the sweep notices that no cable came


@dataclass
class Money:
    """Rows of money. `receipts` are made last, when all captures are known: numbers follow their time."""

    charging: Charging
    till: Till
    bills: list[Bill] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    events: list[PaymentEvent] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    paid: list[tuple[datetime, Payment, Bill]] = field(default_factory=list)
    books: Books = field(default_factory=Books)

    def __post_init__(self) -> None:
        self._bill_keys, self._payment_keys = next_keys(Bill), next_keys(Payment)
        self._organization = self.charging.street.access.organization
        self._numbers = count()
        self._accounts = by_group(self._organization.pk)

    # Sessions

    def add(
        self, past: PastSession, session: ChargingSession, place: Place, links: Sequence[Link], *, refused: bool = False
    ) -> None:
        """`refused`: the card on file that should have paid was declined while nobody was there to ask."""
        agreed = self.charging.street.prices[place.key]
        bill = self._bill(past, session, agreed, links)
        self.books.priced(bill)
        card = self.charging.on_file.get(session.token_value)
        if past.guest:
            self._settle(past, session, bill, agreed)
        elif card:
            self._from_file(session, bill, agreed, card)
        elif refused and bill.total_minor:
            self._owe(bill)
        else:
            self._charge_account(bill, self._accounts[session.driver.group_id if session.driver else None])
        self.bills.append(bill)

    def _owe(self, bill: Bill) -> None:
        """As sources.saved_card, of a hold that never came."""
        assert bill.final_at is not None
        bill.source, bill.state = FundingSource.CARD, BillState.UNPAID
        bill.reason, bill.shortfall_minor = "card on file refused: the bank declined the card", bill.total_minor
        self.books.owed(bill, bill.final_at)

    def _charge_account(self, bill: Bill, account: Account) -> None:
        """A card's issuer pays, or its holder charges free: as sources.fleet and sources.free."""
        bill.account = account
        if account.kind == AccountKind.FREE:
            bill.source, bill.state = FundingSource.FREE, BillState.FREE
            bill.reason = f"{account.reason} (would have cost {format_money(bill.total_minor, bill.currency)})"
            self.books.for_nothing(bill)
        elif bill.total_minor == 0:
            bill.source, bill.state = FundingSource.FLEET, BillState.FREE
            bill.reason = "nothing was used that has a price"
        else:
            bill.source, bill.state = FundingSource.FLEET, BillState.INVOICED
            self.books.on_account(bill, account)

    def _bill(self, past: PastSession, session: ChargingSession, agreed: Price, links: Sequence[Link]) -> Bill:
        assert session.end_received_at is not None
        result = price(agreed.terms, periods_of(past, session, links))
        return Bill(
            pk=next(self._bill_keys),
            session=session,
            organization=self._organization,
            snapshot=agreed.snapshot,
            currency=result.currency,
            net_minor=result.net,
            tax_minor=result.tax,
            total_minor=result.total,
            trace=result.to_json(),
            periods=pack(result.periods),
            created_at=session.start_received_at,
            final_at=session.end_received_at + SETTLED,
        )

    def _settle(self, past: PastSession, session: ChargingSession, bill: Bill, agreed: Price) -> None:
        assert past.guest is not None
        assert bill.final_at is not None
        assert session.end_received_at is not None
        way = Paying.before(past)
        payment = self._payment(session.connector, agreed, way, past.guest.email)
        payment.session, payment.attempt = session, session.attempt
        due, reason = self._due(bill, payment)
        number = NUMBERS.get(past.guest.last4, USUAL)
        until = session.end_received_at + CAPTURED
        held = self.till.hold(payment, at=way.authorized, number=number, taken=due, until=until)
        self._authorized(payment, way, held)
        self._note(payment, way.authorized, Step.START_REQUESTED)
        self._note(payment, session.start_received_at, Step.SESSION_STARTED)
        bill.source = FundingSource.SCAN
        self._close(payment, bill, due, reason)

    def _from_file(self, session: ChargingSession, bill: Bill, agreed: Price, card: PaymentMethod) -> None:
        """As holds.open_hold and what follows it: the card is asked while the station is answered already."""
        started, driver = session.start_received_at, card.driver
        payment = self._row(session.connector, agreed, started, driver.email)
        payment.kind, payment.session, payment.driver, payment.method = PaymentKind.CARD, session, driver, card
        payment.language, payment.card = driver.language, card.card
        self._note(payment, started, PaymentState.CREATED, text=card.card, amount=payment.hold_minor)
        self._note(payment, started, Step.SESSION_STARTED)
        due, reason = self._due(bill, payment)
        assert session.end_received_at is not None
        held = self.till.saved(payment, at=started + ANSWER, taken=due, until=session.end_received_at + CAPTURED)
        self._stands(payment, started + ANSWER, held)
        bill.source = FundingSource.CARD
        self._close(payment, bill, due, reason)

    def _close(self, payment: Payment, bill: Bill, due: int, reason: str) -> None:
        """As sources.card: what is due is taken from the hold, or all of it is freed."""
        assert bill.final_at is not None
        bill.reason, bill.shortfall_minor = reason, bill.total_minor - due
        if due:
            self._capture(payment, bill, due, bill.final_at, bill.final_at - SETTLED + CAPTURED)
            return
        bill.state = BillState.FREE
        if bill.total_minor:
            self.books.waived(bill)
        with translation.override(payment.language):
            text = why_nothing(bill)
        self._release(payment, "nothing_due", text, bill.final_at)

    def _due(self, bill: Bill, payment: Payment) -> tuple[int, str]:
        currency = bill.currency
        return chargeable(
            bill.total_minor, currency, hold=payment.hold_minor, least=amounts.least(currency),
            step=amounts.step(currency),
        )  # fmt: skip

    def _capture(self, payment: Payment, bill: Bill, due: int, decided: datetime, ended: datetime) -> None:
        self._note(payment, decided, PaymentState.CAPTURING, amount=due)
        self._note(payment, ended, PaymentState.CAPTURED, amount=due)
        payment.state, payment.due_minor, payment.captured_minor = PaymentState.CAPTURED, due, due
        payment.settled_at, bill.state = ended, BillState.PAID
        self.paid.append((ended, payment, bill))
        self.books.captured(bill, payment, ended)
        if bill.shortfall_minor:
            self.books.owed(bill, ended, payment)

    # Starts that came to nothing

    def failed(self, past: PastAttempt, place: Place) -> None:
        """A guest who paid, or tried to, and did not charge."""
        agreed = self.charging.street.prices[place.key]
        way = Paying.in_vain(past.at)
        email = f"guest{next(self._numbers) % 900}.{past.site.lower()}@example.net"
        payment = self._payment(place.connector, agreed, way, email)
        if past.cause == "payment_declined":
            self._declined(payment, way)
            payment.attempt = self._refused(past, place, payment, way)
            return
        accepted = past.cause != "remote_start_rejected"
        over = way.authorized + (START_WITHIN + FOUND_OUT if accepted else ANSWER)
        payment.attempt = self._attempt(past, place, payment, over, way, accepted=accepted)
        held = self.till.hold(payment, at=way.authorized, taken=0, until=over + SECOND)
        self._authorized(payment, way, held)
        self._note(payment, way.authorized, Step.START_REQUESTED)
        cause = FailureCause(payment.attempt.cause)
        with translation.override(payment.language):
            text = _("Charging did not start: %(cause)s. Nothing is charged.") % {"cause": str(cause.label)}
        self._release(payment, f"start_{cause.value}", text, over)

    def _attempt(
        self, past: PastAttempt, place: Place, payment: Payment, over: datetime, way: Paying, *, accepted: bool
    ) -> Attempt:
        guest = self.charging.guest(f"{past.station}/{past.connector}/{past.at.isoformat()}", way.authorized)
        attempt = Attempt(
            organization=self._organization,
            station=place.connector.station,
            connector=place.connector,
            kind=AttemptKind.SCAN,
            state=AttemptState.FAILED,
            cause=FailureCause.NOT_PLUGGED if accepted else FailureCause.REFUSED,
            detail="" if accepted else "Rejected",
            token_value=guest.value,
            ended_at=over,
        )
        self.charging.asked(attempt, place.connector, way.authorized, accepted=accepted)
        tries.in_vain(attempt, way.created, retried=past.retried)
        return attempt

    def _refused(self, past: PastAttempt, place: Place, payment: Payment, way: Paying) -> Attempt:
        attempt = Attempt(
            pk=next(self.charging.attempt_keys),
            organization=self._organization,
            station=place.connector.station,
            connector=place.connector,
            kind=AttemptKind.SCAN,
            state=AttemptState.FAILED,
            cause=FailureCause.PAYMENT,
            detail=payment.error_text,
            at=way.created,
            ended_at=way.created + PATIENCE,
        )
        tries.in_vain(attempt, way.created, retried=past.retried)
        self.charging.attempts.append(attempt)
        return attempt

    def _declined(self, payment: Payment, way: Paying) -> None:
        closed = way.created + PATIENCE
        number = DECLINED[payment.pk % len(DECLINED)]
        held = self.till.hold(payment, at=way.authorized, number=number, until=closed)
        self._opened(payment, way, held)
        payment.error_code, payment.error_text = held.decline
        self._note(payment, way.authorized, Step.DECLINED, text=payment.error_text)
        self._note(payment, closed, PaymentState.EXPIRED)
        payment.state = PaymentState.EXPIRED

    # A payment's life

    def _payment(self, connector: Connector | None, agreed: Price, way: Paying, email: str) -> Payment:
        """A guest's."""
        payment = self._row(connector, agreed, way.created, email)
        self._note(payment, way.created, PaymentState.CREATED, amount=payment.hold_minor)
        return payment

    def _row(self, connector: Connector | None, agreed: Price, at: datetime, email: str) -> Payment:
        assert connector is not None
        pk = next(self._payment_keys)
        name = f"{connector.pk}/{at.isoformat()}"
        payment = Payment(
            pk=pk,
            organization=self._organization,
            public_id=keys.public("payment", name),
            connector=connector,
            snapshot=agreed.snapshot,
            currency=agreed.terms.currency,
            hold_minor=agreed.hold_minor,
            email=email,
            language=LANGUAGES[pk % len(LANGUAGES)],
            created_at=at,
        )
        self.payments.append(payment)
        return payment

    def _opened(self, payment: Payment, way: Paying, held: Held) -> None:
        payment.checkout_id, payment.checkout_url = held.checkout_id, held.url
        self._note(payment, way.created, PaymentState.CHECKOUT)

    def _authorized(self, payment: Payment, way: Paying, held: Held) -> None:
        self._opened(payment, way, held)
        self._stands(payment, way.authorized, held)

    def _stands(self, payment: Payment, at: datetime, held: Held) -> None:
        """The hold."""
        payment.intent_id, payment.charge_id, payment.card = held.intent_id, held.charge_id, held.card
        payment.capture_before, payment.authorized_at = held.capture_before, at
        self._note(payment, at, PaymentState.AUTHORIZED, text=held.card, amount=payment.hold_minor)

    def _release(self, payment: Payment, code: str, text: str, at: datetime) -> None:
        self._note(payment, at, PaymentState.RELEASING, text=text)
        self._note(payment, at + SECOND, PaymentState.RELEASED, amount=payment.hold_minor)
        payment.state, payment.settled_at = PaymentState.RELEASED, at + SECOND
        payment.error_code, payment.error_text = code, text

    def _note(self, payment: Payment, at: datetime, kind: str, *, text: str = "", amount: int | None = None) -> None:
        self.events.append(PaymentEvent(payment=payment, at=at, kind=str(kind), text=text[:255], amount_minor=amount))

    # Receipts

    def number(self) -> list[ReceiptCounter]:
        """Receipts in the order of their captures, without gaps; the counters as the last one left them."""
        last: Counter[int] = Counter()
        zone = ZoneInfo(self._organization.time_zone)
        for issued_at, payment, bill in sorted(self.paid, key=lambda row: (row[0], row[1].pk)):
            year = issued_at.astimezone(zone).year
            last[year] += 1
            receipt = Receipt(
                organization=self._organization,
                public_id=keys.public("receipt", payment.public_id),
                year=year,
                sequence=last[year],
                payment=payment,
                bill=bill,
                currency=bill.currency,
                net_minor=bill.net_minor,
                tax_minor=bill.tax_minor,
                total_minor=bill.total_minor,
                issued_at=issued_at,
            )
            receipt.document = document(payment=payment, bill=bill, number=receipt.number, issued_at=issued_at)
            self.receipts.append(receipt)
        return [
            ReceiptCounter(organization=self._organization, year=year, last=number) for year, number in last.items()
        ]


def periods_of(past: PastSession, session: ChargingSession, links: Sequence[Link]) -> list[Period]:
    """As billing.reckoning.all_periods, from what is in hand instead of from rows."""
    said = [Status(past.start, "charging")]
    if past.charged_until < past.end:
        said.append(Status(past.charged_until, "suspended_ev"))
    begin = past.meter_start_mwh
    return periods(
        starts_at=past.start,
        ends_at=past.end,
        energy_mwh=session.energy_mwh,
        readings=[Reading(sample.at, (sample.energy_mwh or begin) - begin) for sample in readings(past)],
        statuses=said,
        links=[link for link in links if link.since < past.end and (link.until or past.end) > past.start],
    )
