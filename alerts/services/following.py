"""What a driver hears of his own charge: started, milestones, finished or stopped, the blocking fee ahead, the receipt.
Each once, in time, nothing of the charge itself after its end, and nothing of one that was reported after the fact.

Thresholds are watches on the session; readings are never looked at here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from alerts.causes_of_stop import of_break, sentence
from alerts.models import Destination, Following, Notification, Recipient
from alerts.vocabulary import NotificationState, Step
from billing import driver_prices
from billing import facts as billing
from evcms.core import clock
from evcms.core.money import to_minor
from sessions import facts as sessions
from sessions import services as charging
from sessions.facts import SessionFacts

from . import people, voice
from .notifications import notify

MILESTONES: Final = "alerts.milestones"  # reasons of watches
IDLE: Final = "alerts.idle"
AHEAD: Final = timedelta(minutes=10)
STALE: Final = timedelta(minutes=30)  # a step that left no earlier is no news
COST_EVERY: Final = timedelta(minutes=3)  # a price per minute grows without any energy
LEAST_MWH: Final = 100_000
PER_KWH: Final = 1_000_000  # mWh
MOST: Final = 3  # who hear of one charge
DURING: Final = ("charge_started", "charge_milestone", "charge_idle")


def follow(
    *,
    payment_id: int,
    topics: list[str],
    kwh: int,
    money: int,
    language: str,
    recipient: Recipient | None = None,
    to: str = "",
    destination: Destination | None = None,
    session_id: int | None = None,
    instead_of: int | None = None,
) -> Following:
    """Somebody who holds the link of a payment wants to hear how its charge goes; a second call changes what he hears.

    `to`: a mail address for this charge alone; `destination`: the recipient's way for it, the others only when that
    fails. `instead_of`: his following of the same charge by another address. Raises ValidationError.
    """
    may_follow(payment_id=payment_id, session_id=session_id, recipient=recipient, to=to)
    wanted: dict[str, Any] = {  # Any: values of columns
        "topics": [each for each in topics if each in Step.values],
        "step_mwh": max(0, min(kwh, 1000)) * PER_KWH,
        "step_minor": max(0, min(money, 1000)),
        "language": language,
        "payment_id": payment_id,
        "destination": destination,
        "ended_at": None,
    } | ({"session_id": session_id} if session_id else {})
    who = {"recipient": recipient} if recipient else {"recipient": None, "to": to}
    with transaction.atomic():
        old = Following.objects.filter(pk=instead_of or 0, ended_at=None).filter(of_charge(payment_id, session_id))
        old.exclude(**who).update(ended_at=clock.now(), topics=[])
        row = _one_row(Following.objects.filter(of_charge(payment_id, session_id), **who), who | wanted)
        if session_id:
            watch(session_id=session_id)
    return row


def of_charge(payment_id: int, session_id: int | None) -> Q:
    """By the payment's link, or at its session as its driver's own: both are one charge."""
    return Q(payment=payment_id) | Q(session=session_id) if session_id else Q(payment=payment_id)


def _one_row(rows: QuerySet[Following], wanted: dict[str, Any]) -> Following:
    """Changes the one row that he has, or makes it. Any: values of columns."""
    row = _keep_one(rows)
    if row is None:
        try:
            with transaction.atomic():
                return Following.objects.create(**wanted)
        except IntegrityError:  # somebody was faster
            row = rows.get()
    Following.objects.filter(pk=row.pk).update(**wanted)
    row.refresh_from_db()
    return row


def _keep_one(rows: QuerySet[Following]) -> Following | None:
    """Of two rows of one charge that which knows what was told stays: the session's."""
    found = sorted(rows.select_for_update(), key=lambda row: (row.session_id is None, row.pk))
    for row in found[1:]:
        row.delete()
    return found[0] if found else None


def may_follow(*, payment_id: int, session_id: int | None, recipient: Recipient | None, to: str = "") -> None:
    """Raises ValidationError when the charge is over, or enough people hear of it."""
    found = sessions.session_facts(session_id) if session_id else None
    if found and found.ended_at:
        raise ValidationError(_("This charge is over."))
    others = Following.objects.filter(payment=payment_id, ended_at=None).exclude(recipient=recipient, to=to)
    if others.count() >= MOST:
        raise ValidationError(_("Enough people hear of this charge already."))


def unfollow(*, payment_id: int, recipient: Recipient | None, to: str = "", session_id: int | None = None) -> None:
    """He hears nothing more of it, not even of its receipt."""
    whose = {"recipient": recipient, "to": to if recipient is None else ""}
    rows = Following.objects.filter(of_charge(payment_id, session_id), **whose)
    rows.update(ended_at=clock.now(), topics=[])


# What happens --------------------------------------------------------------------------------------------------


def started(*, session_id: int) -> None:
    """A charge began, or its driver became known. Twice is once."""
    found = sessions.session_facts(session_id)
    if found is None or found.ended_at or not found.live:
        return
    with transaction.atomic():
        _join(found)
        for row in _live(session_id):
            _tell(row, found, Step.STARTED, "charge_started", {}, expires_at=clock.now() + STALE)
        watch(session_id=session_id)


def _join(found: SessionFacts) -> None:
    """All who want to hear of it, from the page of its payment or by their account, have a row at the session."""
    payment = billing.payment_of(found.id)
    if payment:
        for row in Following.objects.filter(payment=payment[0], session=None):
            _to_session(row, found.id)
    if found.driver_id:
        _follow_own(found)


def _to_session(row: Following, session_id: int) -> None:
    """Chosen before the charge began: his wish, unless his account follows it already; then that row hears the wish."""
    own = Following.objects.filter(session=session_id, recipient=row.recipient) if row.recipient else None
    if own is None or not own.exists():
        Following.objects.filter(pk=row.pk).update(session_id=session_id)
        return
    names = ("topics", "step_mwh", "step_minor", "language", "payment_id", "destination_id", "ended_at")
    wish = {name: getattr(row, name) for name in names}
    row.delete()
    own.update(**wish)


def _follow_own(found: SessionFacts) -> None:
    """A driver with an account has chosen once for all his charges; a following of the same payment serves already."""
    mine = Recipient.objects.filter(driver=found.driver_id, organization=found.organization_id).first()
    if mine is None or not mine.charge or Following.objects.filter(recipient=mine, session=found.id).exists():
        return
    Following.objects.create(
        recipient=mine,
        session_id=found.id,
        topics=mine.charge.get("topics", []),
        step_mwh=int(mine.charge.get("kwh", 0)) * PER_KWH,
        step_minor=int(mine.charge.get("money", 0)),
        language=mine.language,
    )


def _live(session_id: int) -> list[Following]:
    rows = Following.objects.filter(session=session_id, ended_at=None)
    return list(rows.select_related("recipient__organization", "destination", "payment").order_by("pk"))


def watch(*, session_id: int) -> None:
    """Leaves the next threshold of all who follow it on the session."""
    found = sessions.session_facts(session_id)
    rows = [row for row in _live(session_id) if Step.MILESTONE in row.topics]
    if found is None or found.ended_at or not rows:
        return
    marks = [found.energy_mwh // row.step_mwh * row.step_mwh + row.step_mwh for row in rows if row.step_mwh]
    by_money = any(row.step_minor for row in rows)
    if by_money:
        marks += _by_money(found, rows)
    charging.watch_by_id(
        session_id=session_id,
        reason=MILESTONES,
        at_mwh=min(marks) if marks else None,
        at=clock.now() + COST_EVERY if by_money else None,
    )


def _by_money(found: SessionFacts, rows: list[Following]) -> list[int]:
    """Where the next step of money will be crossed if the price goes on as it did."""
    cost, _words = driver_prices.cost_of_session(found.id)
    currency = driver_prices.currency_of(found.id)
    if not cost or not found.energy_mwh:
        return [found.energy_mwh + PER_KWH]
    steps = [_minor(row.step_minor, currency) for row in rows if row.step_minor]
    missing = min(step - cost % step for step in steps)
    return [found.energy_mwh + max(LEAST_MWH, missing * found.energy_mwh // cost)]


def _minor(whole: int, currency: str) -> int:
    return max(1, to_minor(Decimal(whole), currency)) if currency else 1


def milestone(*, session_id: int) -> None:
    """The threshold was reached: whoever's step was crossed hears it once, and the next threshold is left."""
    found = sessions.session_facts(session_id)
    if found is None or found.ended_at:
        return
    cost, _words = driver_prices.cost_of_session(session_id)
    currency = driver_prices.currency_of(session_id)
    with transaction.atomic():
        for row in _live(session_id):
            if Step.MILESTONE in row.topics and _crossed(row, found.energy_mwh, cost, currency):
                key = f"{row.told_mwh}:{row.told_minor}"
                _tell(row, found, Step.MILESTONE, "charge_milestone", {}, key=key, expires_at=clock.now() + STALE)
        watch(session_id=session_id)


def _crossed(row: Following, energy_mwh: int, cost: int, currency: str) -> bool:
    """Notes the steps that lie behind; False when he heard of them, or another worker was faster."""
    energy = energy_mwh // row.step_mwh * row.step_mwh if row.step_mwh else 0
    step = _minor(row.step_minor, currency) if row.step_minor and currency else 0
    money = cost // step * step if step else 0
    if energy <= row.told_mwh and money <= row.told_minor:
        return False
    same = Following.objects.filter(pk=row.pk, told_mwh=row.told_mwh, told_minor=row.told_minor, ended_at=None)
    row.told_mwh, row.told_minor = max(energy, row.told_mwh), max(money, row.told_minor)
    return bool(same.update(told_mwh=row.told_mwh, told_minor=row.told_minor))


def resting(*, connector_id: int) -> None:
    """The car at this connector draws nothing any more: when the fee for that is ten minutes ahead, we look again."""
    session_id = sessions.running_at(connector_id)
    found = sessions.session_facts(session_id) if session_id else None
    if found is None or found.idle_since is None or not _live(found.id):
        return
    fee = driver_prices.blocking_fee(found.id, idle_since=found.idle_since, language="en")
    if fee:
        charging.watch_by_id(session_id=found.id, reason=IDLE, at=max(clock.now(), fee[0] - AHEAD))


def fee_ahead(*, session_id: int) -> None:
    """Ten minutes before the fee begins, unless the car charges again."""
    found = sessions.session_facts(session_id)
    if found is None or found.ended_at or found.idle_since is None:
        return
    for row in _live(session_id):
        fee = driver_prices.blocking_fee(session_id, idle_since=found.idle_since, language=_language(row))
        if fee and fee[0] > clock.now():
            context = {"due": fee[0], "fee": fee[1]}
            _tell(row, found, Step.IDLE, "charge_idle", context, key=f"{fee[0]:%Y%m%d%H%M}", expires_at=fee[0])


def ended(*, session_id: int, live: bool) -> None:
    """Finished, or stopped without anybody having asked for it. What is still queued of the charge does not leave."""
    found = sessions.session_facts(session_id)
    if found is None or found.ended_at is None:
        return
    with transaction.atomic():
        if live and found.live:
            _join(found)  # a short charge may be over before anybody noted its start
        for row in _live(session_id):
            if not Following.objects.filter(pk=row.pk, ended_at=None).update(ended_at=clock.now()):
                continue
            _forget_queued(row)
            if not live or not found.live:
                continue
            language = _language(row)
            cause = of_break(found, language=language)
            cause = cause or sentence(found.stop_reason, by_system=found.by_system, language=language)
            if cause and Step.STOPPED in row.topics:
                _tell(row, found, Step.STOPPED, "charge_stopped", {"cause": cause})
            else:
                _tell(row, found, Step.FINISHED, "charge_finished", {})


def _forget_queued(row: Following) -> None:
    queued = Notification.objects.filter(state=NotificationState.QUEUED, template__in=DURING)
    queued.filter(key__startswith=f"follow:{row.pk}:").update(state=NotificationState.EXPIRED)


def receipt(*, receipt_id: int) -> None:
    """To those who follow by another way than the mail that brings it anyway."""
    said = billing.receipt_facts(receipt_id)
    found = sessions.session_facts(said.session_id)
    near = ("recipient__organization", "destination", "payment")
    rows = Following.objects.filter(session=said.session_id).select_related(*near)
    for row in rows if found and found.live and not said.credit else ():
        if row.recipient and not _mailed(row, row.recipient, said.email):
            page = f"{settings.PUBLIC_URL}/r/{said.public_id}"
            _tell(row, found, Step.RECEIPT, "charge_receipt", {"total": said.total, "page": page})


def _mailed(row: Following, recipient: Recipient, email: str) -> bool:
    way = people.working(row.destination) or people.first_way(recipient)
    return way is not None and bool(email) and way.address == email.strip().lower()


# One voice -----------------------------------------------------------------------------------------------------


def _language(row: Following) -> str:
    return row.recipient.language if row.recipient else row.language


def _tell(
    row: Following,
    found: SessionFacts | None,
    step: Step,
    template: str,
    context: Mapping[str, Any],
    *,
    key: str = "",
    expires_at: datetime | None = None,
) -> None:
    """Once per following, step and `key`; in quiet hours only what costs money by waiting. Any: template context."""
    if step not in row.topics or found is None:
        return
    name = f"follow:{row.pk}:{step}:{key}"
    page = str(context.get("page") or _page(row))
    _minor_units, cost = _cost(found.id, _language(row))
    words = {"place": found.place, "zone": found.time_zone, "energy": found.energy_mwh, "cost": cost, **context}
    if row.recipient is None:
        notify(
            key=name, template=template, to=row.to, language=row.language, organization_id=found.organization_id,
            context={**words, "page": page}, page=page, urgent=True, expires_at=expires_at,
        )  # fmt: skip
        return
    urgent = step in (Step.IDLE, Step.STOPPED) or not people.is_quiet(row.recipient, clock.now())
    if not urgent and expires_at:
        return
    voice.tell(
        row.recipient, key=name, template=template, context=words, page=page, urgent=urgent, expires_at=expires_at,
        destination=people.working(row.destination),
    )  # fmt: skip


def _cost(session_id: int, language: str) -> tuple[int, str]:
    return driver_prices.cost_of_session(session_id, language=language)


def _page(row: Following) -> str:
    return f"{settings.PUBLIC_URL}/s/{row.payment.public_id}" if row.payment else f"{settings.PUBLIC_URL}/account/"
