"""Price changes, told with the old and the new price. What a price was is remembered for every connector that somebody
watches, so that it does not matter why it changed: a tariff was edited, assigned, or began by the calendar.
"""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db import transaction

from alerts.models import KnownPrice, Recipient
from alerts.vocabulary import Topic
from billing import driver_prices as billing
from evcms.core import clock
from stations import spots
from stations.spots import Spot

from . import voice, wishes

Terms = dict[str, Any]  # Any: JSON


def remember_for(recipient: Recipient) -> None:
    """From now on the present prices of what he watches are the ones that he knows."""
    watched = recipient.subscriptions.filter(topic=Topic.PRICE, ended_at=None)
    reach = wishes.reach_of(watched)
    ids = [spot.connector_id for spot in spots.within(reach)] if watched else []
    fresh = set(ids) - set(KnownPrice.objects.filter(connector__in=ids).values_list("connector_id", flat=True))
    _remember(billing.prices_at(fresh))


def _remember(prices: dict[int, Terms]) -> None:
    now = clock.now()
    rows = [KnownPrice(connector_id=pk, terms=terms, changed_at=now) for pk, terms in prices.items()]
    KnownPrice.objects.bulk_create(rows, ignore_conflicts=True)


def compare_prices() -> int:
    """Tells of all prices that are not what they were; returns how many people hear of it."""
    watched = list(wishes.live(Topic.PRICE))
    found = {spot.connector_id: spot for spot in spots.within(wishes.reach_of(watched))} if watched else {}
    if not found:
        return 0
    known = {row.connector_id: row for row in KnownPrice.objects.filter(connector__in=list(found))}
    present = billing.prices_at(found)
    _remember({pk: terms for pk, terms in present.items() if pk not in known})
    with transaction.atomic():
        changed = {pk: known[pk].terms for pk in known if pk in present and _changes(known[pk], present[pk])}
        return _tell([found[pk] for pk in changed], changed, present)


def _changes(row: KnownPrice, terms: Terms) -> bool:
    """Only one of two who notice finds the row as it was."""
    if row.terms == terms:
        return False
    same = KnownPrice.objects.filter(pk=row.pk, changed_at=row.changed_at)
    return bool(same.update(terms=terms, changed_at=clock.now()))


def _tell(found: list[Spot], old: dict[int, Terms], new: dict[int, Terms]) -> int:
    """Once a change and site, to each wish there."""
    told = 0
    for wish, concerned in wishes.subscribers_of(found, Topic.PRICE):
        by_site: dict[int, list[Spot]] = defaultdict(list)
        for spot in concerned:
            by_site[spot.site_id].append(spot)
        for site_id, here in by_site.items():
            spot = here[0]
            message = voice.tell(
                wish.recipient,
                key=f"sub:{wish.pk}:price:{site_id}:{voice.now_key()}",
                template="price",
                context={"site": spot.site, "changes": _changed(here, old, new, wish.recipient.language)},
                page=voice.connector_page(spot.code) if len(here) == 1 else f"{settings.PUBLIC_URL}/map/{site_id}/",
                subscription=wish,
            )
            told += message is not None
    return told


def _changed(here: list[Spot], old: dict[int, Terms], new: dict[int, Terms], language: str) -> list[dict[str, Any]]:
    """Connectors whose price changed alike are one entry. Any: template context."""
    alike: dict[tuple[str, ...], dict[str, Any]] = {}
    for spot in here:
        before = billing.price_sentences(old[spot.connector_id], language)
        after = billing.price_sentences(new[spot.connector_id], language)
        entry = alike.setdefault((*before, "→", *after), {"labels": [], "before": before, "after": after})
        entry["labels"].append(spot.label)
    return list(alike.values())
