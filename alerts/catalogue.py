"""What counts as trouble when nobody has said otherwise: one line for each kind. A `Rule` overrides it (rulebook)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from alerts.vocabulary import IncidentKind, RecoveryKind, Severity

MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Scope(StrEnum):
    """How narrow an exception for a kind may be; the organization always is one."""

    SITE = "site"
    MODEL = "model"
    STATION = "station"


class Span(StrEnum):
    """What `duration_s` means: it must last so long, or it is counted within so long."""

    FOR = "for"
    WITHIN = "within"


STATIONS: Final = frozenset(Scope)
SITES: Final = frozenset({Scope.SITE})
NONE: Final[frozenset[Scope]] = frozenset()


@dataclass(frozen=True)
class Trouble:
    """`says`: the sentence for operators. `threshold` counts `unit`s; None: there is nothing to count.

    `quiet_s`: so long after its last sign it is over (0: at once). `steps`: tried before anybody is woken.
    `silenced`: not opened during maintenance, looked at again when that is over. `found`: a detector finds it, as long
    as it lasts; else it happens at one moment, and what happens outside of a rule's hours opens nothing.
    """

    says: Promise | str
    severity: Severity
    threshold: int | None = None
    unit: Promise | str = ""
    duration_s: int = 0
    span: Span = Span.FOR
    quiet_s: int = 0
    steps: tuple[RecoveryKind, ...] = ()
    silenced: bool = True
    scopes: frozenset[Scope] = STATIONS
    found: bool = True


K, S, R = IncidentKind, Severity, RecoveryKind

# A connector that says one of these may hurt somebody: current to earth, or heat. 1.6: ChargePointErrorCode (7.7); a
# 2.x station says such a fault in words of its maker. Critical whatever a rule says, and no machine tries anything.
DANGEROUS: Final = frozenset({"groundfailure", "groundfault", "hightemperature", "overtemperature"})


def is_dangerous(error: str) -> bool:
    return "".join(letter for letter in error.lower() if letter.isalpha()) in DANGEROUS


CATALOGUE: Final[dict[IncidentKind, Trouble]] = {
    K.STATION_OFFLINE: Trouble(
        _("A station has had no link for some time; a short flap is none."),
        S.SERIOUS,
        duration_s=settings.STATION_OFFLINE_AFTER,
    ),
    K.LINK_FLAPPING: Trouble(
        _("A station's link breaks and comes back again and again: one incident instead of many."),
        S.WARNING,
        threshold=5,
        unit=ngettext_lazy("new link", "new links", 2),
        duration_s=30 * MINUTE,
        span=Span.WITHIN,
    ),
    K.CONNECTOR_FAULTED: Trouble(
        _(
            "A connector says itself that it is faulted. A dangerous fault (current to earth, heat) is critical, told"
            " at once, and opens whatever an exception says; nothing is tried automatically."
        ),
        S.SERIOUS,
        duration_s=20,
        steps=(R.RESTART_CONNECTOR, R.RESET_SOFT),
    ),
    K.STATION_FAULTED: Trouble(
        _(
            "A whole station says itself that it is faulted. A dangerous fault is critical and told at once, as that of"
            " a connector."
        ),
        S.SERIOUS,
        duration_s=20,
        steps=(R.RESET_SOFT,),
    ),
    K.NO_ENERGY: Trouble(
        _("A session charges by its own word, but no energy flows."), S.WARNING, duration_s=10 * MINUTE
    ),
    K.STUCK_SESSION: Trouble(
        _("A session does not end: it runs for very long, or nothing is heard of it while its station is online."),
        S.WARNING,
        threshold=24,
        unit=_("hours"),
    ),
    K.START_FAILURES: Trouble(
        _("One start after the other fails at a connector: refused, not answered, or without energy."),
        S.SERIOUS,
        threshold=3,
        unit=_("starts in a row"),
        duration_s=6 * HOUR,
        span=Span.WITHIN,
        steps=(R.RESTART_CONNECTOR, R.RESET_SOFT),
    ),
    K.SILENT_STATION: Trouble(
        _("Nobody charges at a station where people usually do at this hour of the week, although it looks well."),
        S.WARNING,
        threshold=1,
        unit=_("in a thousand: how unlikely the silence must be"),
    ),
    K.BOOT_LOOP: Trouble(
        _("A station starts again and again."),
        S.SERIOUS,
        threshold=4,
        unit=_("boots"),
        duration_s=30 * MINUTE,
        span=Span.WITHIN,
    ),
    K.CLOCK_SKEW: Trouble(
        _("A station's clock is wrong: prices by the hour and the order of messages depend on it."),
        S.WARNING,
        threshold=60,
        unit=_("seconds"),
    ),
    K.METER: Trouble(
        _("Readings of a station do not add up: jumps, resets, stops of unknown sessions."),
        S.WARNING,
        threshold=1,
        unit=_("of one kind"),
        duration_s=DAY,
        span=Span.WITHIN,
        silenced=False,
    ),
    K.SECURITY_EVENT: Trouble(
        _("A station reports a critical security event."),
        S.SERIOUS,
        threshold=1,
        unit=_("of one kind"),
        duration_s=DAY,
        span=Span.WITHIN,
        silenced=False,
    ),
    K.STATION_ALARM: Trouble(
        _("A station's own monitoring raised an alarm (OCPP 2.x) and has not taken it back."),
        S.SERIOUS,
    ),
    K.FIRMWARE_FAILED: Trouble(
        _("A firmware update failed, or has not moved for some time."),
        S.WARNING,
        threshold=120,
        unit=_("minutes without a word"),
        duration_s=DAY,
        span=Span.WITHIN,
        silenced=False,
    ),
    K.EARLY_FAULT: Trouble(_("A connector is changing for the worse although it works still."), S.WARNING),
    K.SITE_POWER: Trouble(
        _("A site draws more than the grid limit that was entered for it."),
        S.CRITICAL,
        threshold=100,
        unit=_("% of the limit"),
        duration_s=2 * MINUTE,
        silenced=False,
        scopes=SITES,
    ),
    K.READER_OFFLINE: Trouble(
        _("A card reader has no connection: nobody can pay there by card."), S.SERIOUS, duration_s=3 * MINUTE
    ),
    K.PAYMENT_FAILURES: Trouble(
        _("Payments fail one after the other, or most of them, at a reader, a site, or everywhere."),
        S.SERIOUS,
        threshold=5,
        unit=_("payments in a row"),
        duration_s=HOUR,
        span=Span.WITHIN,
        silenced=False,
        scopes=SITES,
    ),
    K.HOLD_LAPSING: Trouble(
        _("The bank is about to free an amount that a running session needs."),
        S.SERIOUS,
        threshold=6,
        unit=_("hours before"),
        silenced=False,
        scopes=SITES,
    ),
    K.DEAD_DELIVERY: Trouble(
        _("Something inside failed for the last time, or messages could not be brought to anybody."),
        S.SERIOUS,
        threshold=3,
        unit=_("messages to nobody"),
        duration_s=DAY,
        span=Span.WITHIN,
        silenced=False,
        scopes=NONE,
    ),
    K.SITE_DARK: Trouble(_("All or most stations of a site went offline together."), S.CRITICAL, scopes=SITES),
    K.NETWORK_DARK: Trouble(
        _("Stations at several sites behind one network link went offline together."), S.CRITICAL, scopes=NONE
    ),
    K.MANY_DARK: Trouble(
        _("Half of all stations went offline together: most likely our own link or power."), S.CRITICAL, scopes=NONE
    ),
    K.GATEWAY_LOST: Trouble(
        _("The program that chargers connect to is gone."), S.CRITICAL, silenced=False, scopes=NONE, found=False
    ),
    K.FIRMWARE_TROUBLE: Trouble(
        _("One firmware shows the same fault at several sites, more often than others do."), S.SERIOUS, scopes=NONE
    ),
    K.DRIVER_REPORT: Trouble(
        _("Drivers report a problem; a danger opens an incident whatever a rule says."),
        S.WARNING,
        threshold=1,
        unit=_("reports of one connector"),
        duration_s=DAY,
        span=Span.WITHIN,
        found=False,
    ),
    K.BILL_REVIEW: Trouble(_("A price waits for a person."), S.WARNING, scopes=SITES, found=False),
    K.PAYMENT_FAILED: Trouble(_("A payment could not be completed."), S.SERIOUS, scopes=NONE, found=False),
    K.DISPUTE: Trouble(_("A cardholder disputes a payment."), S.SERIOUS, scopes=SITES, found=False),
    K.REFUND_WAITING: Trouble(_("A refund waits for a second person."), S.WARNING, scopes=SITES, found=False),
}
