"""The public network as open data (EU 2023/1804 article 20, EU 2025/655): what stands where, and what can be used now.

Two GeoJSON collections with one feature per recharging point, joined by `id`: its EVSE id (eMI3), or station*number
where the operator gave none. Words are OCPI 2.2.1's, prices decimal texts, docs/open-data.md describes them.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from billing import ocpi
from billing.terms import Terms
from evcms.core import clock
from evcms.public import snapshot
from evcms.public.snapshot import Snapshot, Spot, Where
from stations.hours import Hours
from stations.models import Connector
from stations.vocabulary import Shown

LICENCE: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
STATUS: Final = {  # OCPI 2.2.1, 8.4.22 Status
    Shown.AVAILABLE: "AVAILABLE",
    Shown.CHARGING: "CHARGING",
    Shown.SUSPENDED: "CHARGING",
    Shown.OCCUPIED: "BLOCKED",
    Shown.RESERVED: "RESERVED",
    Shown.MAINTENANCE: "INOPERATIVE",
    Shown.UNAVAILABLE: "INOPERATIVE",
    Shown.FAULTED: "OUTOFORDER",
    Shown.OFFLINE: "UNKNOWN",
    Shown.UNKNOWN: "UNKNOWN",
}
BEST: Final = ("AVAILABLE", "CHARGING", "BLOCKED", "RESERVED", "INOPERATIVE", "OUTOFORDER", "UNKNOWN")
Json = dict[str, Any]  # Any: JSON
_changed: dict[str, tuple[str, datetime]] = {}  # feed → digest of its body, since when it is so


def static() -> tuple[bytes, datetime]:
    """What stands there, and since when it is so as far as this process knows. Made once a snapshot."""
    return _kept(snapshot.current(), "static", _static)


def dynamic() -> tuple[bytes, datetime]:
    """What can be used now; the moment of the last change."""
    return _kept(snapshot.current(), "dynamic", _dynamic)


def _kept(kept: Snapshot, name: str, make: Any) -> tuple[bytes, datetime]:
    """Any: one of the two below."""
    key, of = f"open data {name}", kept.said_at if name == "dynamic" else kept.stood_at
    said: tuple[datetime | None, bytes] = kept.made.get(key, (None, b""))
    if said[0] != of or not said[1]:
        said = kept.made[key] = (of, json.dumps(make(kept), ensure_ascii=False, separators=(",", ":")).encode())
    digest = hashlib.sha256(said[1]).hexdigest()
    if _changed.get(name, ("",))[0] != digest:
        _changed[name] = (digest, clock.now())
    return said[1], _changed[name][1]


def point_id(spot: Spot) -> str:
    return spot.emi3 or f"{spot.identity}*{spot.evse}"


def _points(kept: Snapshot) -> Iterable[tuple[Where, list[Spot]]]:
    """Each recharging point with its connectors."""
    for pk, site in kept.sites.items():
        for _evse, spots in groupby(kept.spots[pk], key=lambda spot: spot.evse_id):
            yield site, list(spots)


def _collection(features: list[Json], **more: Any) -> Json:
    """Any: JSON."""
    return {"type": "FeatureCollection", "licence": LICENCE, **more, "features": features}


def _feature(site: Where, spot: Spot, properties: Json) -> Json:
    point = {"type": "Point", "coordinates": [round(site.longitude, 6), round(site.latitude, 6)]}
    return {"type": "Feature", "id": point_id(spot), "geometry": point, "properties": properties}


def _static(kept: Snapshot) -> Json:
    tariffs: dict[str, Json] = {}
    ids: dict[int, str] = {}
    features = []
    for site, spots in _points(kept):
        connectors = [_connector(spot, _tariff(spot.terms, tariffs, ids)) for spot in spots]
        features.append(_feature(site, spots[0], _place(site) | {"connectors": connectors}))
    return _collection(features, tariffs=tariffs)


def _place(site: Where) -> Json:
    return {
        "site": f"site-{site.pk}",
        "name": site.name,
        "operator": site.operator,
        "address": site.address,
        "postal_code": site.postal_code,
        "city": site.city,
        "country": site.country,
        "time_zone": site.time_zone,
        "wheelchair": site.accessible,
        "opening_times": opening_times(site.hours, site.opening_hours),
    }


def opening_times(week: Hours | None, text: str) -> Json:
    """OCPI 2.2.1, 8.4.13 Hours; words that no machine reads stay words."""
    if week is None:
        return {"description": text}
    if week.always:
        return {"twentyfourseven": True}
    spans = [
        {"weekday": span.weekday + 1, "period_begin": begin, "period_end": end}
        for span in week.spans
        for begin, end in [span.times]
    ]
    return {"twentyfourseven": False, "regular_hours": spans}


def _connector(spot: Spot, tariff: str) -> Json:
    return {
        "id": f"{point_id(spot)}-{spot.number}",
        "code": spot.code,
        "standard": spot.plug,
        "format": "CABLE" if spot.cable else "SOCKET",
        "power_type": spot.power_type if spot.told_power_w else None,
        "max_power_w": spot.told_power_w,
        "payment": sorted(spot.ways),
        "tariff": tariff or None,
    }


def _tariff(terms: Terms | None, tariffs: dict[str, Json], ids: dict[int, str]) -> str:
    """Its key in the collection's `tariffs`; empty without one."""
    if terms is None:
        return ""
    if id(terms) not in ids:
        made = ocpi.to_ocpi(terms, version=ocpi.V230, tariff_id="", owner=ocpi.Owner(), last_updated=clock.now()).tariff
        named = ("currency", "tax_included", "min_price", "max_price", "elements")
        said = json.loads(json.dumps({name: made[name] for name in named if name in made}, default=str))
        key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
        tariffs[key], ids[id(terms)] = said, key
    return ids[id(terms)]


def _dynamic(kept: Snapshot) -> Json:
    rows = Connector.objects.filter(archived_at=None).order_by()
    times = {pk: rest for pk, *rest in rows.values_list("pk", "status_at", "station__offline_since")}
    features = []
    for site, spots in _points(kept):
        connectors = [_state(spot, *times.get(spot.pk, (None, None))) for spot in spots]
        words = {each["status"] for each in connectors}
        best = next(word for word in BEST if word in words)
        features.append(_feature(site, spots[0], {"status": best, "connectors": connectors}))
    return _collection(features)


def _state(spot: Spot, status_at: datetime | None, offline_since: datetime | None) -> Json:
    since = offline_since if spot.shown == Shown.OFFLINE else status_at
    return {
        "id": f"{point_id(spot)}-{spot.number}",
        "status": STATUS[Shown(spot.shown)],
        "last_updated": since.isoformat(timespec="seconds").replace("+00:00", "Z") if since else None,
    }
