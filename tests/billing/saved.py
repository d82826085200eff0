"""Drivers with cards on file, for tests: the card is saved on the double's own page, as a person would."""

import json

from billing import services
from billing.models import Payment
from billing.services import cards
from evcms.core.models import User
from sessions.models import Driver, IdToken
from sessions.services.tokens import fold
from tests.billing.test_webhooks import post

GOOD = "4242424242424242"
FAILS_LATER = "4000000000000341"  # saved, then declined
WANTS_CONFIRMATION = "4000002760003184"  # 3-D Secure for every payment
POOR_AFTER = "4000008260003178"  # confirmed, then not enough money


def a_driver(organization, *, email="dora@example.org", name="Dora", language="en", user=True):
    account = User.objects.create_user(email, None) if user else None
    return Driver.objects.create(organization=organization, user=account, name=name, email=email, language=language)


def saves_card(provider, driver, number=GOOD, **how):
    """Through the provider's page and back; returns the saved card."""
    setup = cards.open_setup(driver=driver)
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    provider.control(f"sessions/{setup.checkout_id}/pay", number=number, **how)
    cards.refresh(setup=setup)
    setup.refresh_from_db()
    return setup.method


def a_token(driver, value="04A1B2C3D4", type="ISO14443"):
    return IdToken.objects.create(
        organization=driver.organization, value=value, folded=fold(value), type=type, driver=driver
    )


def payment_of(session):
    return Payment.objects.get(session=session)


def tells(client, provider, *names, times=1, reverse=False):
    """The provider posts its events that mention any of these names, oldest first; then they are applied."""
    events = [event.to_dict() for event in provider.events()]
    mine = [event for event in events if any(name in json.dumps(event) for name in names)]
    assert mine
    for event in reversed(mine) if reverse else mine:
        for _ in range(times):
            assert post(client, event).status_code == 200
    services.apply_webhooks()
