"""The demo's past is what the services would have written: one day of one site, both ways, field by field."""

import pytest
from django.db import transaction

from billing.models import Payment
from evcms.demo import past, till
from evcms.demo.till import DECLINED
from sessions.models import Attempt
from tests.demo import rows
from tests.demo.conftest import keep_cards
from tests.demo.replay import Replay

pytestmark = pytest.mark.django_db(transaction=True)


def loaded(street, cards, on_file, history, file):
    """What the bulk loader writes, and what of it chance decided; the database is left as it was."""
    with till.opened(file) as cash, transaction.atomic():
        keep_cards(cash, on_file, history)
        past.load(street, cards, history, cash, lambda words: None, on_file=on_file)
        written, chance = rows.everything(), {}
        for payment in Payment.objects.all():
            key = (payment.connector_id, payment.created_at)
            chance[key], chance[(*key, "email")] = payment.language, payment.email
            chance[(*key, "number")] = DECLINED[payment.pk % len(DECLINED)]
        refused = dict(Attempt.objects.filter(cause="token").values_list("at", "token_value"))
        transaction.set_rollback(True)
    return written, chance, refused


def test_bulk_rows_equal_those_that_the_services_write(built, history, provider, tmp_path):
    street, cards, on_file = built
    places = past.places_of(street, history)
    written, chance, refused = loaded(street, cards, on_file, history, tmp_path / "provider.sqlite3")
    assert not Payment.objects.exists()
    Replay(street, history, places, provider, chance, refused).run()
    told = rows.everything()
    here = {place.connector.pk for key, place in places.items() if key[0] in {one.station for one in history.sessions}}
    stations = {place.connector.station_id for place in places.values() if place.connector.pk in here}
    written["statuses"] = [row for row in written["statuses"] if row["connector"] in here]
    written["others"]["links"] = [row for row in written["others"]["links"] if row["station"] in stations]
    assert len(told["sessions"]) > 15
    assert sum(one["payment"] is not None for one in told["sessions"]) > 3
    assert any(one["payment"] and one["payment"]["kind"] == "card" for one in told["sessions"])
    assert told["others"]["discrepancies"] == 0
    for ours, theirs in zip(written["sessions"], told["sessions"], strict=True):
        assert ours == theirs
    assert written == told
