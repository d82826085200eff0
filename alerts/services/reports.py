"""A driver says what is wrong with a connector, perhaps with a photo: it opens an incident or joins the one that is
open there, and he is told when that is over.
"""

from datetime import timedelta
from typing import IO, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from alerts import photos
from alerts.models import Destination, Incident, ProblemReport, Recipient
from alerts.vocabulary import ChannelName, EntryKind, IncidentKind, IncidentState, Problem, Severity
from evcms.core import clock, pictures
from stations import spots
from stations.spots import Spot

from . import people, voice
from .incidents import raise_severity
from .notifications import notify
from .opening import by_event
from .timeline import write

PER_CONNECTOR: Final = 20  # an hour; more help nobody
HOUR: Final = timedelta(hours=1)
SEVERITY: Final = {
    Problem.DANGER: Severity.CRITICAL,
    Problem.NO_STOP: Severity.SERIOUS,
    Problem.CABLE: Severity.SERIOUS,
    Problem.NO_START: Severity.SERIOUS,
}


def report_problem(
    *,
    connector_id: int,
    problem: str,
    text: str = "",
    email: str = "",
    language: str = "en",
    recipient: Recipient | None = None,
    photo: tuple[IO[Any], int] | None = None,  # Any: bytes
) -> ProblemReport:
    """`recipient`: somebody known; else `email`, which is written to once, about this report alone. `photo`: the file
    and its size. Raises ValidationError with a sentence.
    """
    spot = spots.of_connector(connector_id)
    if spot is None:
        raise ValidationError(_("This connector does not exist."))
    if problem not in Problem.values:
        raise ValidationError(_("Choose what is wrong."))
    email = email.strip().lower()
    if email and recipient is None:
        validate_email(email)
    since = clock.now() - HOUR
    if ProblemReport.objects.filter(connector=connector_id, created_at__gt=since).count() >= PER_CONNECTOR:
        raise ValidationError(_("Many have reported this already. Thank you, we are looking at it."))
    name = _stored(photo)
    try:
        return _write(spot, Problem(problem), text.strip()[:1000], email, language, recipient, name)
    except BaseException:
        photos.remove(name)
        raise


def _stored(photo: tuple[IO[Any], int] | None) -> str:  # Any: bytes
    """Outside the transaction: reading a picture takes its time."""
    if photo is None:
        return ""
    try:
        return photos.store(*photo)
    except pictures.BadPhoto as error:
        raise ValidationError(_("This photo cannot be read, or is larger than 12 MB.")) from error


def _write(
    spot: Spot, problem: Problem, text: str, email: str, language: str, recipient: Recipient | None, photo: str
) -> ProblemReport:
    with transaction.atomic():
        way = people.first_way(recipient) if recipient else None
        if recipient is None and email:
            way = people.driver_destination(
                organization_id=spot.organization_id, channel=ChannelName.EMAIL, address=email, language=language
            )
            recipient = way.recipient
        report = ProblemReport.objects.create(
            organization_id=spot.organization_id,
            connector_id=spot.connector_id,
            problem=problem,
            text=text,
            photo=photo,
            recipient=recipient,
            destination=way,
            language=language,
            created_at=clock.now(),
        )
        incident = _incident(spot, problem)
        if incident is None:  # the organization's rule: not enough of them yet, or no trouble there
            return report
        waiting = ProblemReport.objects.filter(connector=spot.connector_id, incident=None, closed_at=None)
        waiting.update(incident=incident)
        report.incident = incident
        said = _("A driver reports: %(what)s") % {"what": problem.label}
        write(incident, EntryKind.FACT, f"{said}. {text}"[:500] if text else said)
    return report


def _incident(spot: Spot, problem: Problem) -> Incident | None:
    """The fault that is open there already, or the drivers' own one. None: a rule does not want it."""
    severity = SEVERITY.get(problem, Severity.WARNING)
    known = (
        Incident.objects.exclude(state=IncidentState.RESOLVED)
        .filter(connector=spot.connector_id)
        .order_by("-severity", "opened_at")
        .first()
    )
    if known is None:
        with translation.override("en"):
            title = _("Drivers report trouble at %(place)s") % {"place": spot.label}
        return by_event(
            kind=IncidentKind.DRIVER_REPORT,
            key=f"report:{spot.connector_id}",
            organization_id=spot.organization_id,
            title=title,
            station_ids=[spot.station_id],
            site_id=spot.site_id,
            connector_id=spot.connector_id,
            severity=severity,
            count=lambda within: _reported(spot.connector_id, within),
        )
    if severity > known.severity:
        raise_severity(incident=known, severity=severity)
    return known


def _reported(connector_id: int, within: timedelta) -> int:
    return ProblemReport.objects.filter(connector=connector_id, created_at__gte=clock.now() - within).count()


def tell_reporters(*, incident_id: int) -> int:
    """The incident is over: everybody who reported is told once; returns how many hear of it."""
    told = 0
    open_ones = ProblemReport.objects.filter(incident=incident_id, closed_at=None)
    for report in open_ones.select_related("recipient__organization", "destination", "connector"):
        with transaction.atomic():
            mine = ProblemReport.objects.filter(pk=report.pk, closed_at=None)
            if mine.update(closed_at=clock.now()) and report.recipient:
                told += _tell(report, report.recipient)
    return told


def _tell(report: ProblemReport, recipient: Recipient) -> bool:
    """By the way that was named when he reported, else by his others; at an address that is not proven, this one mail
    that he asked for.
    """
    spot = spots.of_connector(report.connector_id)
    with translation.override(report.language):
        problem = str(Problem(report.problem).label)
    context = {"where": spot.where if spot else "", "problem": problem, "page": ""}
    page = voice.connector_page(spot.code) if spot else settings.PUBLIC_URL
    key = f"report:{report.pk}:over"
    way = report.destination if report.destination and report.destination.disabled_at is None else None
    if people.reachable(recipient) and (way is None or way.confirmed_at):
        said = voice.tell(recipient, key=key, template="report_over", context=context, page=page, destination=way)
        return said is not None
    rows = Destination.objects.filter(recipient=recipient, disabled_at=None)
    way = way or rows.order_by("position", "id").first()
    if way is None:
        return False
    links = {"page": page, "unsubscribe": voice.link("unsubscribe-all", recipient.token)}
    notify(key=key, template="report_over", destination=way, language=report.language, context={**context, **links})
    return True
