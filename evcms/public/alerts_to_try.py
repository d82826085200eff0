"""The demo's steps for alerts: be told, report, break, repair, take into maintenance. All messages end in the inbox.

English only, as the rest of that page.
"""

from urllib.parse import quote

from django.conf import settings
from django.urls import reverse

from alerts.models import Recipient
from alerts.vocabulary import Audience
from evcms.public.trying import Link, Way
from stations.models import Connector


def ways(plug: Connector | None) -> list[Way]:
    """`plug`: the connector that no invented driver comes to."""
    if plug is None:
        return []
    page = Link("The connector's page", reverse("public:connector", args=[plug.code]))
    front = Link(
        f"The front of {plug.station.identity}", f"{settings.DEMO_DISPLAYS_URL}/{quote(plug.station.identity)}"
    )
    return [
        *_for_drivers(plug, page, front),
        _wishes(),
        *_for_operators(plug, page, front),
    ]


def _inbox(channel: str) -> Link:
    return Link(f"The inbox, {channel}", f"{settings.DEMO_INBOX_URL}/?channel={channel}")


def _for_drivers(plug: Connector, page: Link, front: Link) -> list[Way]:
    return [
        Way(
            "Tell me when it is free",
            [
                "Plug in at the charger's front, so that the connector is taken.",
                "On the connector's page, under “Tell me”, choose “when it is free again” and how: a text (type any "
                "number such as 06 12345678, which nobody here has; its code comes to the inbox), a push message (in "
                "the demo the inbox is the phone) or a mail: its link opens a page with one button to confirm.",
                "Unplug. After a minute of being free the message is in the inbox; a second person would hear ten "
                "minutes later.",
                "Open the message: its link opens a page with one button that ends the wish. (A link alone ends "
                "nothing: mail programs open links to look for harm. Their own “unsubscribe” takes one click.) “All "
                "your messages” shows every wish and way, and has a test button for each.",
            ],
            [front, page, _inbox("sms"), _inbox("push"), _inbox("email")],
        ),
        Way(
            "Hear of your own charge",
            [
                "Pay and start on the connector's page and plug in at the front.",
                "On the page of the charge open “Tell me here”: every so many kWh, when it stops, the receipt; by "
                "mail, text or push.",
            ],
            [page, front, Link("The inbox", settings.DEMO_INBOX_URL)],
        ),
        Way(
            "Report a problem",
            [
                "On the connector's page press “Report a problem”, choose one, add a photo and your mail address.",
                "As operator open the incident that it made, and resolve it: the reporter gets a mail.",
            ],
            [Link("Report a problem", reverse("public:report", args=[plug.code])),
             Link("Incidents", reverse("incidents")), _inbox("email")],
        ),
    ]  # fmt: skip


def _wishes() -> Way:
    drivers = Recipient.objects.filter(audience=Audience.DRIVER, subscriptions__ended_at=None)
    mine = drivers.filter(driver__isnull=False).order_by("pk").first()
    links = [Link("Draw an area", reverse("public:area"))]
    if mine:
        links.insert(0, Link("Daan's messages", reverse("my-messages", args=[mine.token])))
    return Way(
        "All one's wishes, a drawn area, a daily digest",
        [
            "Daan's page has wishes at a connector, a site and an area, quiet hours at night, and two ways.",
            "Set “How often” to once a day: what is not urgent then comes as one message.",
            "Draw an area on the map and be told about everything in it.",
        ],
        links,
    )


def _for_operators(plug: Connector, page: Link, front: Link) -> list[Way]:
    station = plug.station
    return [
        Way(
            "Break a charger and watch the incident",
            [
                "At the charger's front press “Break it”, or “Cut the network” (an incident in two minutes).",
                "The incident shows what is tried automatically; the partner's system gets a signed webhook at once. "
                "The mail to who is on call comes some minutes later, after that help was tried and did not do, and a "
                "minute after it the control room's chat.",
                "Subscribers of “broken” hear of it, too. Press “Repair it”: it resolves itself, and all are told.",
            ],
            [front, Link("Incidents", reverse("incidents")), _inbox("webhook"), _inbox("chat"),
             Link("Delivery proof", reverse("notifications"))],
        ),
        Way(
            "Take a connector into maintenance",
            [
                f"As operator plan a window for {station.identity}, from in two minutes on.",
                "Subscribers of “planned maintenance” are told; when it begins the connector goes out of service "
                "(after the running charge), and the map, its page and the calendar say so. It comes back at the end.",
            ],
            [Link("Plan maintenance", reverse("maintenance-create")), page, Link("The inbox", settings.DEMO_INBOX_URL)],
        ),
    ]  # fmt: skip
