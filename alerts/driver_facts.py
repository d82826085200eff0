"""What drivers' wishes hear from below: broken and repaired, planned work, prices, people who leave."""

from datetime import datetime, timedelta

from alerts import rules
from alerts.events import IncidentOpened, IncidentResolved
from alerts.models import Incident
from alerts.services import farewell, following, outages, people, prices, reports, works
from alerts.vocabulary import IncidentKind
from billing.events import ReceiptIssued, TariffChanged
from evcms.core import clock, delivery
from evcms.core.events import subscribe
from sessions.events import DriverErased, SessionEnded, SessionIdentified, SessionJoined, SessionReached, SessionStarted
from stations import spots
from stations.events import ConnectorStatusChanged, MaintenanceCancelled, MaintenanceMoved, MaintenancePlanned
from stations.spots import Spot

FAULTED = "faulted"
RESTING = ("suspended_ev", "finishing")


def breaks_or_mends(fact: ConnectorStatusChanged) -> bool:
    return fact.live and rules.touches_order(fact.status, fact.previous, fact.connector_id)


@subscribe(ConnectorStatusChanged, "alerts.outages", when=breaks_or_mends)
def follow_outages(fact: ConnectorStatusChanged) -> None:
    """What the connector says by now counts, not what the fact says: it may be late. A station speaks for all of its
    connectors.
    """
    found = _spots(fact.station_id, fact.connector_id)
    if fact.status == FAULTED:
        outages.broke(found=found)
    else:
        outages.eased(connector_ids=[spot.connector_id for spot in found if spot.shown not in outages.BROKEN])


def _spots(station_id: int, connector_id: int | None) -> list[Spot]:
    if not connector_id:
        return spots.of_station(station_id)
    spot = spots.of_connector(connector_id)
    return [spot] if spot else []


@subscribe(IncidentOpened, "alerts.outage_offline")
def outage_offline(fact: IncidentOpened) -> None:
    """A station without a link is as good as broken to a driver, once it is trouble to us."""
    incident = Incident.objects.get(pk=fact.incident_id)
    if incident.kind == IncidentKind.STATION_OFFLINE and incident.station_id:
        outages.broke(found=spots.of_station(incident.station_id))


@subscribe(IncidentResolved, "alerts.outage_online")
def outage_online(fact: IncidentResolved) -> None:
    incident = Incident.objects.get(pk=fact.incident_id)
    if incident.kind == IncidentKind.STATION_OFFLINE and incident.station_id:
        outages.eased(connector_ids=[spot.connector_id for spot in spots.of_station(incident.station_id)])


@subscribe(MaintenancePlanned, "alerts.tell_maintenance")
def tell_maintenance(fact: MaintenancePlanned) -> None:
    works.planned(window_id=fact.window_id)


@subscribe(MaintenanceMoved, "alerts.tell_maintenance_moved")
def tell_maintenance_moved(fact: MaintenanceMoved) -> None:
    works.moved(window_id=fact.window_id)


@subscribe(MaintenanceCancelled, "alerts.tell_maintenance_off")
def tell_maintenance_off(fact: MaintenanceCancelled) -> None:
    works.cancelled(window_id=fact.window_id)


@subscribe(TariffChanged, "alerts.tell_prices")
def tell_prices(fact: TariffChanged) -> None:
    prices.compare_prices()


@subscribe(DriverErased, "alerts.forget_driver")
def forget_driver(fact: DriverErased) -> None:
    """And the last mail to his address, which goes with it: nothing else holds it then."""
    until = datetime.fromisoformat(fact.at) if fact.at else None
    people.forget_driver(driver_id=fact.driver_id, address=fact.address, until=until)
    if fact.farewell and fact.address:
        farewell.send(
            driver_id=fact.driver_id,
            address=fact.address,
            organization_id=fact.organization_id,
            language=fact.language,
        )
    since = (until or clock.now()) - timedelta(days=1)
    delivery.redact(name=DriverErased.__name__, since=since, match={"driver_id": fact.driver_id}, field="address")


@subscribe(IncidentResolved, "alerts.tell_reporters")
def tell_reporters(fact: IncidentResolved) -> None:
    reports.tell_reporters(incident_id=fact.incident_id)


# A driver's own charge -------------------------------------------------------------------------------------


@subscribe(SessionStarted, "alerts.follow_started", when=lambda fact: fact.live)
def follow_started(fact: SessionStarted) -> None:
    following.started(session_id=fact.session_id)


@subscribe(SessionJoined, "alerts.follow_joined")
def follow_joined(fact: SessionJoined) -> None:
    following.started(session_id=fact.session_id)


@subscribe(SessionIdentified, "alerts.follow_identified")
def follow_identified(fact: SessionIdentified) -> None:
    following.started(session_id=fact.session_id)


@subscribe(SessionReached, "alerts.follow_reached")
def follow_reached(fact: SessionReached) -> None:
    if fact.reason == following.MILESTONES:
        following.milestone(session_id=fact.session_id)
    elif fact.reason == following.IDLE:
        following.fee_ahead(session_id=fact.session_id)


def rests(fact: ConnectorStatusChanged) -> bool:
    return fact.live and fact.connector_id is not None and fact.status in RESTING


@subscribe(ConnectorStatusChanged, "alerts.follow_resting", when=rests)
def follow_resting(fact: ConnectorStatusChanged) -> None:
    assert fact.connector_id is not None  # rests
    following.resting(connector_id=fact.connector_id)


@subscribe(SessionEnded, "alerts.follow_ended")
def follow_ended(fact: SessionEnded) -> None:
    following.ended(session_id=fact.session_id, live=fact.live)


@subscribe(ReceiptIssued, "alerts.follow_receipt")
def follow_receipt(fact: ReceiptIssued) -> None:
    following.receipt(receipt_id=fact.receipt_id)
