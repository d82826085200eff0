"""Our words for trouble and for telling people about it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class IncidentKind(models.TextChoices):
    """One kind a cause. What makes each of them trouble stands in alerts.catalogue."""

    STATION_OFFLINE = "station_offline", _("Station offline")
    GATEWAY_LOST = "gateway_lost", _("Charger gateway lost")
    SITE_DARK = "site_dark", _("Site offline")
    NETWORK_DARK = "network_dark", _("Stations of one network link offline")
    MANY_DARK = "many_dark", _("Many stations offline at once")
    FIRMWARE_TROUBLE = "firmware_trouble", _("Trouble with one firmware")
    LINK_FLAPPING = "link_flapping", _("Unstable link")
    CONNECTOR_FAULTED = "connector_faulted", _("Connector faulted")
    STATION_FAULTED = "station_faulted", _("Station faulted")
    NO_ENERGY = "no_energy", _("Charging without energy")
    STUCK_SESSION = "stuck_session", _("Stuck session")
    START_FAILURES = "start_failures", _("Starts fail in a row")
    SILENT_STATION = "silent_station", _("Silent station")
    BOOT_LOOP = "boot_loop", _("Station boots again and again")
    CLOCK_SKEW = "clock_skew", _("Station's clock is wrong")
    METER = "meter", _("Readings do not add up")
    SECURITY_EVENT = "security_event", _("Security event")
    STATION_ALARM = "station_alarm", _("Alarm raised by the station")
    FIRMWARE_FAILED = "firmware_failed", _("Firmware update failed")
    EARLY_FAULT = "early_fault", _("Early sign of a fault")
    SITE_POWER = "site_power", _("Site draws more than its limit")
    DRIVER_REPORT = "driver_report", _("Reported by drivers")
    DEAD_DELIVERY = "dead_delivery", _("Internal delivery failed")
    BILL_REVIEW = "bill_review", _("A price waits for a person")
    READER_OFFLINE = "reader_offline", _("Card reader offline")
    PAYMENT_FAILED = "payment_failed", _("Payment could not be completed")
    PAYMENT_FAILURES = "payment_failures", _("Payments fail in a row")
    HOLD_LAPSING = "hold_lapsing", _("A hold is about to lapse")
    DISPUTE = "dispute", _("A payment is disputed")
    REFUND_WAITING = "refund_waiting", _("A refund waits for a second person")


class Severity(models.IntegerChoices):
    INFO = 1, _("Info")
    WARNING = 2, _("Warning")
    SERIOUS = 3, _("Serious")
    CRITICAL = 4, _("Critical")


class IncidentState(models.TextChoices):
    OPEN = "open", _("Open")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    RESOLVED = "resolved", _("Resolved")


INCIDENT_MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    IncidentState.OPEN: frozenset({IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED}),
    IncidentState.ACKNOWLEDGED: frozenset({IncidentState.RESOLVED, IncidentState.OPEN}),
    IncidentState.RESOLVED: frozenset({IncidentState.OPEN}),  # it came back soon: the same incident
}


class EntryKind(models.TextChoices):
    """What a line of the time-line is about."""

    FACT = "fact", _("fact")
    STATE = "state", _("state")
    NOTE = "note", _("note")
    RECOVERY = "recovery", _("automatic step")
    TOLD = "told", _("told")
    PUBLIC = "public", _("said to drivers")


class TellingKind(models.TextChoices):
    """Why somebody hears of an incident."""

    OPENED = "opened", _("it is open")
    RESOLVED = "resolved", _("it is over")


class RecoveryKind(models.TextChoices):
    """What may be tried before anybody is woken."""

    RESTART_CONNECTOR = "restart_connector", _("Take the connector out of service and back")
    UNLOCK = "unlock", _("Unlock the connector")
    RESET_SOFT = "reset_soft", _("Restart the station when nobody charges")
    RESET_HARD = "reset_hard", _("Restart the station at once")


class RecoveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("not needed any more")


RECOVERY_MOVES: dict[RecoveryState, frozenset[RecoveryState]] = {
    RecoveryState.WAITING: frozenset({RecoveryState.SENT, RecoveryState.SKIPPED, RecoveryState.FAILED}),
    RecoveryState.SENT: frozenset({RecoveryState.DONE, RecoveryState.FAILED, RecoveryState.SKIPPED}),
    RecoveryState.DONE: frozenset(),
    RecoveryState.FAILED: frozenset(),
    RecoveryState.SKIPPED: frozenset(),
}


class Recovery(models.TextChoices):
    """How far automatic help for an incident has come."""

    NONE = "none", _("nothing is tried")
    RUNNING = "running", _("under way")
    HEALED = "healed", _("helped")
    EXHAUSTED = "exhausted", _("did not help")


class Topic(models.TextChoices):
    """What a driver may subscribe to at a place."""

    FREE = "free", _("free again")
    BROKEN = "broken", _("broken")
    REPAIRED = "repaired", _("repaired")
    MAINTENANCE = "maintenance", _("planned maintenance")
    PRICE = "price", _("price change")


class Step(models.TextChoices):
    """What a driver may hear of his own charge."""

    STARTED = "started", _("it has started")
    MILESTONE = "milestone", _("every few kWh or euros")
    FINISHED = "finished", _("it is finished")
    IDLE = "idle", _("a blocking fee begins in 10 minutes")
    STOPPED = "stopped", _("it stopped unexpectedly")
    RECEIPT = "receipt", _("the receipt is there")


class Audience(models.TextChoices):
    DRIVER = "driver", _("driver")
    OPERATOR = "operator", _("operator")
    SYSTEM = "system", _("system")


class ChannelName(models.TextChoices):
    """The folders of alerts/channels."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push message")
    WEBHOOK = "webhook", _("Webhook")
    CHAT = "chat", _("Chat")


class Digest(models.TextChoices):
    AT_ONCE = "at_once", _("at once")
    DAILY = "daily", _("once a day")


class NotificationState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    OPENED = "opened", _("opened")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", _("too late")
    MERGED = "merged", _("in a digest")


NOTIFICATION_MOVES: dict[NotificationState, frozenset[NotificationState]] = {
    NotificationState.QUEUED: frozenset(
        {
            NotificationState.SENDING,
            NotificationState.FAILED,
            NotificationState.EXPIRED,
            NotificationState.MERGED,
            # a provider tells of an attempt whose answer was lost
            NotificationState.SENT,
            NotificationState.DELIVERED,
            NotificationState.OPENED,
        }
    ),
    NotificationState.SENDING: frozenset(
        {
            NotificationState.SENT,
            NotificationState.QUEUED,
            NotificationState.FAILED,
            NotificationState.DELIVERED,
            NotificationState.OPENED,
        }
    ),
    # a bounce after the hand-over: the next destination is tried, or there is none
    NotificationState.SENT: frozenset(
        {
            NotificationState.DELIVERED,
            NotificationState.OPENED,
            NotificationState.QUEUED,
            NotificationState.FAILED,
        }
    ),
    # "delivered" may be the word of a relay: a bounce can still come
    NotificationState.DELIVERED: frozenset(
        {NotificationState.OPENED, NotificationState.QUEUED, NotificationState.FAILED}
    ),
    NotificationState.OPENED: frozenset(),
    NotificationState.FAILED: frozenset({NotificationState.QUEUED}),
    NotificationState.EXPIRED: frozenset(),
    NotificationState.MERGED: frozenset(),
}


class Outcome(models.TextChoices):
    """What became of one attempt. UNKNOWN: the provider may have it, its answer never came."""

    STARTED = "started", _("started")
    ACCEPTED = "accepted", _("accepted")
    REFUSED = "refused", _("refused")
    UNKNOWN = "unknown", _("outcome unknown")
    DELIVERED = "delivered", _("delivered")
    OPENED = "opened", _("opened")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("complained")


class Problem(models.TextChoices):
    """What a driver sees that is wrong."""

    NO_START = "no_start", _("It does not start")
    NO_STOP = "no_stop", _("It does not stop, or holds my cable")
    CABLE = "cable", _("Cable or plug is damaged")
    SCREEN = "screen", _("Screen or card reader does not work")
    PAYMENT = "payment", _("Paying does not work")
    BLOCKED = "blocked", _("The bay is blocked")
    DANGER = "danger", _("It is dangerous")
    OTHER = "other", _("Something else")
