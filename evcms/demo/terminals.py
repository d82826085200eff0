"""A card reader beside the charger that is kept free: plug in on its display, tap on the double's reader page."""

from billing.models import CardReader
from billing.vocabulary import ReaderState
from evcms.core import clock
from evcms.demo.street import Street
from evcms.demo.till import Till


def plant(built: Street, cash: Till, identity: str) -> str:
    """Puts a reader at the station; returns its id at the provider, whose page shows its screen."""
    station = built.stations[identity]
    site = station.site
    address = {
        "line1": site.address, "city": site.city, "postal_code": site.postal_code, "country": site.country
    } if site else {"line1": str(station), "city": built.city.name, "country": built.city.country}  # fmt: skip
    label = f"{site or station}, by the entrance"
    owner = built.access.organization.slug
    reader_id, location_id = cash.reader(label, owner=owner, place=str(site or station), address=address)
    CardReader.objects.create(
        organization=built.access.organization,
        label=label,
        provider_id=reader_id,
        location_id=location_id,
        station=station,
        state=ReaderState.ONLINE,
        seen_at=clock.now(),
        due_at=clock.now(),
    )
    return reader_id
