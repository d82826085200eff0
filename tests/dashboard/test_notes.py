"""Notes and photos on a station's page: written by who works there, read by who sees it, removed by their author."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import services
from stations.models import NotePhoto, SiteGrant, StationNote
from stations.services import notes as limits
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access, make_station

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def place(silent, settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"
    return Path(settings.FILES_DIR)


@pytest.fixture
def technician(organization):
    return make_access(organization, Role.TECHNICIAN, email="tess@example.org")


def picture(format="JPEG", size=(2400, 1200), **more):
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, format, **more)
    return SimpleUploadedFile("../../lid.jpg", out.getvalue())


def kept(place):
    return [each for each in place.rglob("*") if each.is_file()]


def write(access, **said):
    return browser(access).post("/stations/KADE-01/notes/", {"text": "Lid is loose", "caption": ""} | said)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_technician_writes_a_note_with_a_photo_and_everybody_there_reads_it(station, technician, place, format):
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    assert write(technician, taken=picture(format, exif=exif), caption="The lid").status_code == 302
    viewer = browser(make_access(station.organization, Role.VIEWER))
    page = words(viewer.get("/stations/KADE-01/notes/"))
    assert "Lid is loose" in page
    assert "tess@example.org" in page
    assert 'alt="The lid"' in page
    assert "Write a note" not in page
    photo = NotePhoto.objects.get()
    for query, edge in (("", 1600), ("?small=1", limits.SMALL_EDGE)):
        answer = viewer.get(f"/stations/KADE-01/notes/photos/{photo.pk}/{query}")
        body = b"".join(answer.streaming_content)
        assert max(Image.open(BytesIO(body)).size) == edge
        assert b"SecretCamera" not in body
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"].startswith("private")
    assert len(kept(place)) == 2


def test_several_photos_come_at_once(station, technician):
    assert write(technician, text="", taken=picture(), photos=[picture(), picture()]).status_code == 302
    assert NotePhoto.objects.count() == 3


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (lambda: {"text": "  "}, "Write something, or add a photo."),
        (lambda: {"text": "x" * 4001}, "at most 4000 characters"),
        (lambda: {"photos": [picture() for _each in range(7)]}, "At most 6 photos"),
        (lambda: {"photos": [picture(), SimpleUploadedFile("a.jpg", b"<svg onload=x>")]}, "Photo 2 cannot be read"),
        (lambda: {"taken": picture("GIF")}, "JPEG, PNG or WebP"),
        (lambda: {"taken": picture("PNG", (9000, 9000))}, "cannot be read"),
    ],
    ids=["nothing", "long", "many", "no picture", "gif", "huge"],
)
def test_what_cannot_be_kept_is_answered_with_a_sentence_and_leaves_nothing(station, technician, place, said, sentence):
    answer = write(technician, **said())
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not StationNote.objects.exists()
    assert kept(place) == []


def test_a_station_keeps_so_many_and_no_more(station, technician, place, monkeypatch):
    monkeypatch.setattr(limits, "PHOTOS_PER_STATION", 1)
    monkeypatch.setattr(limits, "NOTES_PER_STATION", 2)
    assert write(technician, taken=picture()).status_code == 302
    assert "1 photos at most" in write(technician, taken=picture()).text
    assert write(technician).status_code == 302
    assert "2 notes already" in write(technician).text
    assert len(kept(place)) == 2


def test_what_is_written_is_text_and_nothing_else(station, technician):
    write(technician, text="<script>alert(1)</script>")
    assert "<script>alert(1)" not in browser(technician).get("/stations/KADE-01/notes/").text


def test_a_note_goes_with_its_photos_by_its_author_or_who_keeps_stations(station, technician, owner, place):
    other = make_access(station.organization, Role.TECHNICIAN)
    for remover in (technician, owner):
        write(technician, taken=picture())
        note = StationNote.objects.get()
        gone = f"/stations/KADE-01/notes/{note.pk}/remove/"
        assert browser(other).post(gone).status_code == 403
        assert StationNote.objects.exists()
        assert browser(remover).post(gone).status_code == 302
        assert kept(place) == []
        assert browser(remover).post(gone).status_code == 404
        assert services.remove_note(access=remover, note=note) is False
    told = list(AuditEntry.objects.filter(object_id=str(station.pk)).order_by("pk").values_list("action", "actor"))
    assert [action for action, _actor in told] == ["station.note_added", "station.note_removed"] * 2
    assert told[1][1] == "tess@example.org"
    page = words(browser(owner).get("/stations/KADE-01/audit/"))
    assert "Station note removed" in page
    assert "Lid is loose" in page


def test_only_who_works_there_writes(station, organization):
    for role in (Role.VIEWER, Role.FINANCE):
        assert write(make_access(organization, role)).status_code == 403
    limited = make_access(organization, Role.TECHNICIAN, all_sites=False)
    assert write(limited).status_code == 404
    SiteGrant.objects.create(membership=limited.membership, site=station.site)
    assert write(limited).status_code == 302


def test_a_photo_of_another_station_does_not_hang_at_this_one(station, site, technician):
    make_station("KADE-02", site)
    write(technician, taken=picture())
    photo, note = NotePhoto.objects.get(), StationNote.objects.get()
    assert browser(technician).get(f"/stations/KADE-02/notes/photos/{photo.pk}/").status_code == 404
    assert browser(technician).post(f"/stations/KADE-02/notes/{note.pk}/remove/").status_code == 404


def test_a_note_outlives_its_author(station, technician, owner):
    write(technician)
    technician.user.delete()
    assert "tess@example.org" in words(browser(owner).get("/stations/KADE-01/notes/"))


def test_a_lost_file_is_no_error(station, technician, place):
    write(technician, taken=picture())
    for file in kept(place):
        file.unlink()
    photo = NotePhoto.objects.get()
    assert browser(technician).get(f"/stations/KADE-01/notes/photos/{photo.pk}/").status_code == 404
    assert browser(technician).post(f"/stations/KADE-01/notes/{photo.note_id}/remove/").status_code == 302


def test_a_crash_while_writing_leaves_no_file(station, technician, place, monkeypatch):
    monkeypatch.setattr(limits.audit, "record", lambda *_args, **_more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.add_note(
            access=technician, station=station, text="x", photos=[(picture().file, 1)], caption=""
        )  # fmt: skip
    assert kept(place) == []
    assert not StationNote.objects.exists()


def test_the_service_itself_judges_what_no_form_sent(station, technician):
    with pytest.raises(ValidationError, match="200 characters"):
        services.add_note(access=technician, station=station, text="x", caption="y" * 201)
