"""From the button on the page to the mail in the box and back: asked, confirmed, freed, told, ended. A real browser, a
real mail server.
"""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from alerts import services as alerts
from alerts.models import Subscription
from evcms.core import clock, delivery
from stations import services as stations
from stations.models import Gateway
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.environment import free_port
from tests.stations.conftest import gateway, linked, organization, site, station  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


class Box:
    """A mailbox: every mail that came, whole."""

    def __init__(self) -> None:
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_ON = controller.hostname, controller.port, True
    yield box.mails
    controller.stop()


@pytest.fixture
def connector(linked):  # noqa: F811
    row = linked.connectors.select_related("evse").order_by("evse__number")[0]
    says(row, ConnectorStatus.CHARGING)
    return row


def says(connector, status):
    """The station reports a status, and two minutes go by."""
    report = StatusReport(connector.evse.number, connector.number, status, clock.now(), clock.now())
    stations.status_reported(station_id=connector.station_id, report=report)
    clock.advance(timedelta(minutes=2))
    Gateway.objects.update(lease_until=clock.now() + timedelta(minutes=5))


def workers():
    while delivery.deliver_due():
        pass
    alerts.offer_free()
    alerts.send_due()


def link_in(mail, path):
    text = mail.get_body(("plain",)).get_content()
    return re.search(rf"https?://[^/\s]+({path}[^\s]+)", text).group(1)


def test_a_driver_waits_for_a_plug_hears_that_it_is_free_and_ends_it(connector, mailbox, phone, live_server, settings):
    settings.PUBLIC_URL = live_server.url
    phone.goto(f"{live_server.url}/c/{connector.code}")
    phone.select_option("#often", "always")
    phone.fill("#email", "driver@example.org")
    phone.get_by_role("button", name="Tell me").click()
    phone.get_by_text("Almost done").wait_for()
    workers()
    phone.goto(live_server.url + link_in(mailbox[-1], "/u/confirm/"))
    phone.get_by_role("button", name="Yes, write to me").click()
    phone.get_by_role("heading", name="Confirmed").wait_for()

    says(connector, ConnectorStatus.AVAILABLE)
    workers()
    workers()
    assert len(mailbox) == 2
    free = mailbox[-1]
    assert free["Subject"].startswith("Free now")
    assert free["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    phone.goto(live_server.url + link_in(free, "/u/mine/"))
    phone.get_by_text("Free now", exact=False).first.wait_for()
    phone.goto(free["List-Unsubscribe"].strip("<>"))
    phone.get_by_role("button", name="Unsubscribe").click()
    phone.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert not Subscription.objects.filter(ended_at=None).exists()

    says(connector, ConnectorStatus.CHARGING)
    says(connector, ConnectorStatus.AVAILABLE)
    workers()
    assert len(mailbox) == 2
