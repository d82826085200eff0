"""The door for files: what stations bring and fetch, and whoever else tries."""

import asyncio
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evcms.bodylimit import BodyLimit, most_for
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import commands, files, services
from stations.models import Command, FirmwareFile, FirmwareUpdate, LogUpload
from tests.stations.conftest import make_access

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")]


@pytest.fixture(autouse=True)
def room(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"
    settings.STATIONS_URL = "http://testserver"
    return settings.FILES_DIR


@pytest.fixture
def asked(station):
    """An upload that a station was asked for, and the path of its link."""
    row = services.send(station=station, command=commands.GetLog(5), origin="test")
    Command.objects.filter(pk=row.pk).update(state="accepted")
    LogUpload.objects.update(state="accepted", ended_at=None)
    upload = LogUpload.objects.get()
    return upload, upload.location.removeprefix("http://testserver")


def put(path, body=b"line 1\nline 2\n", **more):
    return Client().put(path, body, content_type="application/octet-stream", **more)


def on_disk(room):
    return [path for path in room.rglob("*") if path.is_file()]


def test_a_station_brings_its_log_once(asked, room):
    upload, path = asked
    assert put(path).status_code == 201
    upload.refresh_from_db()
    assert (upload.state, upload.size, upload.file_name) == ("uploaded", 14, "")
    assert files.whole_path(upload.path).read_bytes() == b"line 1\nline 2\n"
    assert put(path, b"another").status_code == 409
    assert len(on_disk(room)) == 1


@pytest.mark.parametrize("way", ["POST", "PUT"])
def test_a_form_and_a_name_behind_the_link_do_as_well(asked, way):
    upload, path = asked
    client, file = Client(), SimpleUploadedFile("diag.tgz", b"packed")
    if way == "POST":
        assert client.post(path, {"file": file}).status_code == 201
    else:
        assert put(f"{path}/diag.tgz", b"packed").status_code == 201
    upload.refresh_from_db()
    assert (upload.file_name, upload.size) == ("diag.tgz", 6)


def test_the_stations_own_name_stays_and_its_late_word_finds_the_file(asked, station):
    from stations.reports import LogReport, LogState

    upload, path = asked
    services.log_promised(station_id=station.pk, request_id=5, file_name="promised.log", replaces=False)
    put(f"{path}/other.log")
    report = LogReport("Uploaded", LogState.UPLOADED, clock.now(), 5)
    services.log_reported(station_id=station.pk, report=report)
    upload.refresh_from_db()
    assert (upload.file_name, upload.state, upload.last_status) == ("promised.log", "uploaded", "Uploaded")


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "%00", "a%0d%0aX-Evil:1", "<script>", "." * 300, "ü" * 90])
def test_no_name_leads_anywhere(asked, room, name):
    upload, path = asked
    assert put(f"{path}/{name}").status_code in (201, 404)
    for place in on_disk(room):
        assert place.parent == room / "logs"
        assert len(place.name) == 32
    upload.refresh_from_db()
    assert not set(upload.file_name) & set("/\\<>\r\n\0")


def test_who_guesses_learns_nothing(asked, room):
    _, path = asked
    for wrong in (
        path[:-1],
        path + "x",
        "/in/",
        "/in/0",
        "/in/" + "A" * 5000,
        "/in/" + LogUpload.objects.get().token_digest,
    ):
        assert put(wrong).status_code in (404, 301)
    assert Client().get(path).status_code == 405
    assert Client().delete(path).status_code == 405
    assert on_disk(room) == []


def test_a_link_ends_with_its_time_and_with_its_request(asked, room):
    _, path = asked
    LogUpload.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert put(path).status_code == 404
    LogUpload.objects.update(expires_at=clock.now() + timedelta(hours=1), state="cancelled")
    assert put(path).status_code == 404
    assert on_disk(room) == []


def test_too_much_is_refused_announced_or_not_and_leaves_nothing(asked, room, settings):
    settings.LOG_MAX_BYTES = 10
    _, path = asked
    assert put(path, b"x" * 11).status_code == 413
    assert put(path, b"x", CONTENT_LENGTH=str(10**15)).status_code == 413
    assert Client().post(path, {"file": SimpleUploadedFile("a", b"x" * 11)}).status_code == 413
    assert on_disk(room) == []
    assert put(path, b"x" * 10).status_code == 201


def test_nothing_is_a_file_too_but_a_form_without_one_is_none(asked):
    _, path = asked
    assert Client().post(path, {"word": "only"}).status_code == 400
    assert put(path, b"").status_code == 201


def test_of_two_who_bring_a_file_at_once_one_wins(asked, room, monkeypatch):
    upload, path = asked
    token, whole = path.rsplit("/", 1)[1], files.store

    def slow(*args, **kwargs):
        stored = whole(*args, **kwargs)
        monkeypatch.setattr(files, "store", whole)
        services.log_received(token=token, file_name="", chunks=[b"faster"])
        return stored

    monkeypatch.setattr(files, "store", slow)
    with pytest.raises(services.UsedLink):
        services.log_received(token=token, file_name="", chunks=[b"slower"])
    upload.refresh_from_db()
    assert [place.read_bytes() for place in on_disk(room)] == [b"faster"]


def test_a_station_that_breaks_off_leaves_nothing_and_may_come_again(asked, room):
    _, path = asked

    def broken():
        yield b"half"
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        services.log_received(token=path.rsplit("/", 1)[1], file_name="", chunks=broken())
    assert on_disk(room) == []
    assert put(path).status_code == 201


def reader(organization, role):
    client = Client()
    client.force_login(make_access(organization, role=role, email=f"{role}@volt.example").user)
    return client


def test_a_log_is_read_by_who_may_talk_to_the_station(asked, station):
    upload, path = asked
    put(f"{path}/<b>.log")
    url = f"/stations/{station.identity}/logs/{upload.pk}/"
    answer = reader(station.organization, Role.TECHNICIAN).get(url)
    assert b"".join(answer) == b"line 1\nline 2\n"
    assert answer["Content-Disposition"] == 'attachment; filename="_b_.log"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert reader(station.organization, Role.VIEWER).get(url).status_code == 403
    assert Client().get(url).status_code == 302


def test_a_log_that_is_gone_from_the_disk_is_a_plain_404(asked, station):
    upload, path = asked
    put(path)
    upload.refresh_from_db()
    files.remove(upload.path)
    client = reader(station.organization, Role.TECHNICIAN)
    assert client.get(f"/stations/{station.identity}/logs/{upload.pk}/").status_code == 404


def test_old_files_go_before_their_rows(asked, room, settings):
    _, path = asked
    put(path)
    settings.RETENTION_FILES_DAYS, settings.RETENTION_REPORTS_DAYS = 30, 60
    past = clock.now() - timedelta(days=61)
    LogUpload.objects.update(ended_at=past, stored_at=past)
    assert (services.prune_reports(), len(on_disk(room))) == (0, 1)
    assert (services.prune_files(), on_disk(room)) == (1, [])
    assert services.prune_reports() == 1
    settings.RETENTION_FILES_DAYS = settings.RETENTION_REPORTS_DAYS = 0
    assert (services.prune_files(), services.prune_reports()) == (0, 0)


# Firmware ------------------------------------------------------------------------------------------


@pytest.fixture
def owner(organization):
    return make_access(organization, email="keeper@volt.example")


def firmware(owner, content=b"0123456789", **values):
    named = {"name": "Volt One", "version": "2.0"} | values
    return services.add_firmware(access=owner, values=named, chunks=[content], file_name="../one 2.0.bin")


def test_a_firmware_is_fetched_by_its_link_whole_or_from_where_it_broke_off(owner):
    file = firmware(owner)
    assert (file.size, file.md5) == (10, "781e5e245d69b566979b86e28d23f2c7")
    path = services.link_of(file).removeprefix("http://testserver")
    assert path.endswith("/one_2.0.bin")
    assert b"".join(Client().get(path)) == b"0123456789"
    rest = Client().get(path, headers={"Range": "bytes=4-"})
    assert (rest.status_code, b"".join(rest), rest["Content-Range"]) == (206, b"456789", "bytes 4-9/10")
    assert b"".join(Client().get(path, headers={"Range": "bytes=2-3"})) == b"23"
    assert Client().get(path, headers={"Range": "bytes=10-"}).status_code == 416
    for odd in ("bytes=-3", "bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "bytes=" + "9" * 400):
        assert b"".join(Client().get(path, headers={"Range": odd})) == b"0123456789"
    assert Client().head(path)["Content-Length"] == "10"
    assert Client().post(path).status_code == 405


def test_no_other_link_leads_to_a_firmware(owner, room):
    file = firmware(owner)
    for wrong in ("x", file.sha256, file.path.rsplit("/", 1)[1], "..", "%2e%2e"):
        assert Client().get(f"/firmware/{wrong}/one_2.0.bin").status_code == 404
    services.archive_firmware(access=owner, file=file)
    assert Client().get(services.link_of(file).removeprefix("http://testserver")).status_code == 404


def test_a_removed_firmware_leaves_the_disk(owner, room, django_capture_on_commit_callbacks):
    file = firmware(owner)
    with django_capture_on_commit_callbacks(execute=True):
        services.archive_firmware(access=owner, file=file)
        services.archive_firmware(access=owner, file=file)
    assert on_disk(room) == []
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["firmware.added", "firmware.archived"]


@pytest.mark.parametrize(
    ("values", "chunks", "field"),
    [
        ({}, None, "url"),
        ({"url": "https://a.example/f"}, [b"x"], "url"),
        ({"url": "javascript:alert(1)"}, None, "url"),
        ({"url": "file:///etc/passwd"}, None, "url"),
        ({"name": ""}, [b"x"], "name"),
        ({"version": "x" * 65}, [b"x"], "version"),
    ],
)
def test_what_is_no_firmware_is_refused(owner, room, values, chunks, field):
    with pytest.raises(ValidationError) as refused:
        services.add_firmware(access=owner, values={"name": "A", "version": "1"} | values, chunks=chunks)
    assert field in refused.value.message_dict
    assert on_disk(room) == []


def test_a_firmware_that_is_too_large_leaves_nothing(owner, room, settings):
    settings.FIRMWARE_MAX_BYTES = 9
    with pytest.raises(ValidationError) as refused:
        firmware(owner)
    assert "file" in refused.value.message_dict
    assert on_disk(room) == []


def test_who_does_not_see_all_sites_keeps_no_firmware(owner):
    owner.membership.all_sites = False
    with pytest.raises(PermissionDenied):
        firmware(owner)


def test_an_update_takes_what_its_file_says(owner, station):
    file = firmware(owner, signature="c2ln", certificate="PEM")
    services.send(station=station, command=commands.UpdateFirmware(1, file_id=file.pk), origin="test")
    row = FirmwareUpdate.objects.get()
    assert (row.version, row.file, row.signed) == ("2.0", file, True)
    assert row.location == services.link_of(file)
    services.send(station=station, command=commands.PublishFirmware(2, file_id=file.pk), origin="test")
    assert Command.objects.get(kind="PublishFirmware").fields["checksum"] == file.md5


def test_another_organizations_file_is_none(owner, station, rival):
    theirs = firmware(make_access(rival, email="them@else.example"))
    row = services.send(station=station, command=commands.UpdateFirmware(1, file_id=theirs.pk), origin="test")
    assert (row.state, row.error) == ("rejected", "there is no such firmware file")
    assert theirs.token not in str(Command.objects.get().fields)
    assert FirmwareUpdate.objects.get().state == "refused"


def test_the_room_on_a_page(owner, station):
    client = Client()
    client.force_login(owner.user)
    data = {"name": "Volt One", "version": "2.0", "model": station.model, "file": SimpleUploadedFile("f.bin", b"x")}
    assert client.post("/firmware-files/", data).status_code == 302
    page = client.get("/firmware-files/").content.decode()
    assert FirmwareFile.objects.get().sha256[:16] in page
    assert "Volt One" in client.get(f"/stations/{station.identity}/firmware/").content.decode()
    bad = client.post("/firmware-files/", {"name": "A", "version": "1"})
    assert "Give either a file or an address." in bad.content.decode()


# The border ----------------------------------------------------------------------------------------


def through(path, parts, headers=()):
    """What a client hears of the border, and how many bytes passed it."""
    told, seen = [], []

    async def app(scope, receive, send):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            seen.append(len(message["body"]))
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return waiting.pop(0)

    async def send(message):
        told.append(message)

    scope = {"type": "http", "path": path, "headers": list(headers)}
    asyncio.run(BodyLimit(app)(scope, receive, send))
    return told[0]["status"], sum(seen)


def test_no_body_is_larger_than_its_address_allows(settings):
    settings.BODY_MAX_BYTES = 100
    assert through("/stations/", [b"x" * 60, b"x" * 40]) == (200, 100)
    assert through("/stations/", [b"x" * 60, b"x" * 41, b"x" * 500]) == (413, 60)
    assert through("/stations/", [b"x"], [(b"content-length", b"101")]) == (413, 0)
    assert through("/in/abc", [b"x" * 101]) == (200, 101)
    assert most_for("/firmware-files/") > settings.FIRMWARE_MAX_BYTES
