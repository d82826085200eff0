"""A driver reports a problem from the connector's page; operators see it; he hears when it is over."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from alerts import services
from alerts.models import Incident, Notification, ProblemReport
from alerts.services.reports import PER_CONNECTOR, report_problem
from alerts.vocabulary import Severity
from evcms.core import pictures
from stations.models import Connector
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def picture(size=(3000, 2000), format="JPEG", **more):
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, format, **more)
    return out.getvalue()


def located():
    """A photo that says where it was taken, and by which camera."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 22.0, 12.0)
    return picture(exif=exif)


def send(connector, client=None, photo=None, **fields):
    if photo is not None:
        fields["photo"] = SimpleUploadedFile("photo.jpg", photo, "image/jpeg")
    return (client or Client()).post(f"/c/{connector.code}/report", {"problem": "cable", **fields})


def test_a_report_opens_an_incident_and_its_author_hears_when_it_is_over(connector, deliver):
    answer = send(connector, text="The plug is cracked", email="d@example.org", photo=located())
    assert answer.headers["Location"].endswith("/report?sent")
    incident = Incident.objects.get()
    assert (incident.kind, incident.connector_id, incident.severity) == (
        "driver_report",
        connector.pk,
        Severity.SERIOUS,
    )
    assert "The plug is cracked" in incident.entries.last().text
    services.resolve_key(key=incident.key, text="mended")
    deliver()
    deliver()
    mail = Notification.objects.get(template="report_over")
    assert mail.to == "d@example.org"
    assert "Cable or plug is damaged" in mail.text
    assert ProblemReport.objects.get().closed_at


def test_he_hears_it_in_his_language(connector, deliver):
    send(connector, Client(headers={"accept-language": "de"}), email="d@example.org")
    services.resolve_key(key=Incident.objects.get().key, text="mended")
    deliver()
    assert "gemeldet" in Notification.objects.get(template="report_over").text


def test_two_reports_are_one_incident_and_danger_makes_it_critical(connector):
    send(connector, problem="screen")
    assert Incident.objects.get().severity == Severity.WARNING
    send(connector, problem="danger")
    incident = Incident.objects.get()
    assert incident.severity == Severity.CRITICAL
    assert incident.reports.count() == 2


def test_a_report_about_a_known_fault_joins_it(connector, organization):
    fault = services.open_incident(
        kind="connector_faulted", key=f"fault:connector:{connector.pk}", title="x", organization_id=organization.pk,
        station_ids=[connector.station_id], connector_id=connector.pk,
    )  # fmt: skip
    send(connector)
    assert ProblemReport.objects.get().incident == fault
    assert Incident.objects.count() == 1


def test_a_photo_is_written_anew_without_where_it_was_taken(connector, media):
    send(connector, photo=located())
    stored = (media / ProblemReport.objects.get().photo).read_bytes()
    assert b"SecretCamera" not in stored
    with Image.open(BytesIO(stored)) as kept:
        assert not kept.getexif()
        assert max(kept.size) == pictures.EDGE


@pytest.mark.parametrize(
    "sent",
    [
        b"GIF89a nothing",
        b"<svg onload='x'/>",
        b"\xff\xd8\xff broken",
        lambda: picture()[:900],
        lambda: picture((9000, 9000), "PNG"),
        b"",
    ],
    ids=["gif", "svg", "broken", "cut", "huge", "empty"],
)
def test_what_is_no_photo_is_answered_with_a_sentence_and_leaves_nothing(connector, media, sent):
    sent = sent() if callable(sent) else sent
    answer = send(connector, photo=sent)
    if sent:
        assert answer.status_code == 422
        assert "cannot be read" in answer.content.decode()
        assert not ProblemReport.objects.exists()
    assert not list(media.rglob("*.jpg"))


def test_photos_are_for_members_who_see_the_site(connector, organization, rival, owner, media):
    send(connector, photo=picture())
    path = f"/incidents/photo/{ProblemReport.objects.get().public_id}"
    for who, status in ((None, 302), (make_access(rival).user, 404), (owner.user, 200)):
        client = Client()
        if who:
            client.force_login(who)
        assert client.get(path).status_code == status


def test_operators_see_words_and_photo_on_the_incidents_page(connector, owner, media):
    send(connector, text="Sparks!", problem="danger", photo=picture())
    client = Client()
    client.force_login(owner.user)
    text = client.get(f"/incidents/{Incident.objects.get().pk}/").content.decode()
    assert "Sparks!" in text
    assert "/incidents/photo/" in text


@pytest.mark.parametrize("fields", [{"problem": ""}, {"problem": "aliens"}, {"email": "nonsense"}])
def test_a_wrong_report_keeps_what_was_typed(connector, fields):
    answer = send(connector, text="My words", **fields)
    assert answer.status_code == 422
    assert "My words" in answer.content.decode()
    assert not ProblemReport.objects.exists()


def test_one_browser_and_one_connector_have_their_limits(connector):
    for _ in range(PER_CONNECTOR):
        report_problem(connector_id=connector.pk, problem="other")
    assert send(connector).status_code == 422
    other = Connector.objects.exclude(pk=connector.pk).first()
    for _ in range(5):
        assert send(other).status_code == 302
    assert ProblemReport.objects.count() == PER_CONNECTOR + 5
