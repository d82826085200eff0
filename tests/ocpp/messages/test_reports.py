"""What stations say of their firmware, logs and security, in every version that has a word for it."""

from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.ocpp.errors import OcppError
from evcms.ocpp.readings import format_time
from evcms.ocpp.schemas import schemas_of
from stations import commands, services
from stations.models import Command, FirmwareUpdate, LogUpload, SecurityEvent, Station
from stations.reports import FIRMWARE_ENDS, FIRMWARE_MOVES, LOG_ENDS, LOG_MOVES, FirmwareState, LogState
from stations.vocabulary import Answer

from .talk import PROTOCOLS, Talk, ago, events

pytestmark = pytest.mark.postgres
SEQUENCE = ("Downloading", "Downloaded", "Installing", "Installed")


def firmware(talk, status, request_id=None, action="FirmwareStatusNotification", at=None):
    payload = {"status": status} | ({"requestId": request_id} if request_id is not None else {})
    return talk.say(action, payload, at)


def asked(station, online, command):
    """The command's row, taken by the station."""
    online(station)
    row = services.send(station=station, command=command, origin="test")
    services.command_sent(command_id=row.pk)
    services.command_answered(command_id=row.pk, answer=Answer(True, "Accepted", {}))
    return Command.objects.get(pk=row.pk)


# Security events -----------------------------------------------------------------------------------


def security(talk, at, kind="TamperDetectionActivated", info="lid", received_at=None):
    payload = {"type": kind, "timestamp": format_time(at), "techInfo": info}
    return talk.say("SecurityEventNotification", payload, received_at)


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "in bulk"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_security_event_is_one_row_however_often_it_is_said(station, protocol, many):
    talk, at = Talk(station, protocol, many=many), ago(minutes=1)
    for _ in range(3):
        assert security(talk, at) == {}
    row = SecurityEvent.objects.get()
    assert (row.type, row.tech_info, row.critical, row.at) == ("TamperDetectionActivated", "lid", True, at)
    assert events("SecurityEventReported") == [{"security_event_id": row.pk}]
    security(talk, at + timedelta(seconds=1))
    security(talk, at, info="door")
    assert SecurityEvent.objects.count() == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_critical_is_what_the_specification_calls_so_and_vendors_may_have_words_of_their_own(station, protocol):
    talk, at = Talk(station, protocol), ago(minutes=1)
    for kind in ("StartupOfTheDevice", "InvalidMessages", "AcmeLidOpened"):
        security(talk, at, kind)
    assert dict(SecurityEvent.objects.values_list("type", "critical")) == {
        "StartupOfTheDevice": True, "InvalidMessages": False, "AcmeLidOpened": False
    }  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_clock_is_corrected_and_nonsense_is_the_time_of_reception(station, protocol):
    Station.objects.filter(pk=station.pk).update(clock_skew_ms=7_200_000)
    talk, now = Talk(station, protocol), clock.now()
    security(talk, now + timedelta(hours=2), received_at=now)
    row = SecurityEvent.objects.get()
    assert abs(row.happened_at - now) < timedelta(seconds=1)
    assert row.at > now
    talk.say("SecurityEventNotification", {"type": "X", "timestamp": "yesterday"}, now)
    assert SecurityEvent.objects.get(type="X").at == now


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_over_long_details_are_cut(station, protocol):
    talk = Talk(station, protocol)
    security(talk, ago(minutes=1), info="x" * 5000)
    assert len(SecurityEvent.objects.get().tech_info) == 255
    with pytest.raises(OcppError):  # what names the event is never cut
        security(talk, ago(minutes=1), kind="y" * 51)


def test_events_of_many_stations_go_together(make_station):
    rows = [make_station(f"CP-{number}", connectors=0) for number in range(3)]
    from evcms.ocpp.v201.security import security_events

    at = format_time(ago(minutes=1))
    messages = [(Talk(row, "ocpp2.0.1").charger(), {"type": "ResetOrReboot", "timestamp": at}) for row in rows]
    assert security_events([*messages, *messages]) == [{}] * 6
    assert set(SecurityEvent.objects.values_list("station_id", flat=True)) == {row.pk for row in rows}
    assert len(events("SecurityEventReported")) == 3


# Firmware ------------------------------------------------------------------------------------------


def told(station, protocol, online):
    """An update as we asked for it, from the first word to the last; the row's facts."""
    command = asked(station, online, commands.UpdateFirmware(7, "https://files.example/2.bin", version="2.0"))
    talk = Talk(station, protocol)
    for status in SEQUENCE:
        firmware(talk, status, None if protocol == "ocpp1.6" else 7)
    row = FirmwareUpdate.objects.get(station=station)
    assert row.command_id == command.pk
    states = [fact["state"] for fact in events("FirmwareStatusChanged") if fact["update_id"] == row.pk]
    return row.state, row.last_status, row.version, row.location, row.ended_at is not None, states


def test_the_same_update_leaves_the_same_row_whatever_the_version(make_station, online):
    rows = [told(make_station(f"CP-{i}"), protocol, online) for i, protocol in enumerate(PROTOCOLS)]
    assert rows[0][:3] == ("installed", "Installed", "2.0")
    assert rows[0][5] == ["accepted", "downloading", "downloaded", "installing", "installed"]
    assert rows[1:] == rows[:-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_repeat_or_a_late_word_never_moves_an_update_back(station, protocol):
    talk, number = Talk(station, protocol), None if protocol == "ocpp1.6" else 9
    for status in ("Downloading", "Installing", "Downloaded", "Installing", "Downloading", "Installed", *SEQUENCE):
        firmware(talk, status, number)
    row = FirmwareUpdate.objects.get()
    assert (row.state, row.last_status, row.command) == ("installed", "Installed", None)
    assert len(events("FirmwareStatusChanged")) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_word_that_nobody_knows_is_kept_beside_the_state(station, protocol):
    talk, number = Talk(station, protocol), None if protocol == "ocpp1.6" else 9
    firmware(talk, "Downloading", number)
    firmware(talk, "AcmeUnpacking" + "x" * 80, number)
    row = FirmwareUpdate.objects.get()
    assert row.state == "downloading"
    assert row.last_status.startswith("AcmeUnpacking")
    assert len(row.last_status) == 64


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_idle_says_nothing(station, protocol):
    talk = Talk(station, protocol)
    firmware(talk, "Idle")
    talk.say("DiagnosticsStatusNotification" if protocol == "ocpp1.6" else "LogStatusNotification", {"status": "Idle"})
    assert not FirmwareUpdate.objects.exists()
    assert not LogUpload.objects.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_station_that_updates_by_itself_has_a_row_and_its_next_update_another(station, protocol):
    talk, begun = Talk(station, protocol), ago(hours=2)
    for minutes, status in enumerate(SEQUENCE):
        firmware(talk, status, at=begun + timedelta(minutes=minutes))
    firmware(talk, "Installed", at=begun + timedelta(hours=1))  # some say so at every start
    assert FirmwareUpdate.objects.count() == 1
    firmware(talk, "Downloading", at=begun + timedelta(hours=2))
    assert list(FirmwareUpdate.objects.values_list("state", flat=True)) == ["downloading", "installed"]


def test_the_signed_kin_of_16_speaks_of_the_numbered_update(station, online):
    signed = commands.UpdateFirmware(11, "https://files.example/2.bin", signature="c2ln", certificate="PEM")
    asked(station, online, signed)
    talk = Talk(station, "ocpp1.6")
    firmware(talk, "SignatureVerified", 11, "SignedFirmwareStatusNotification")
    row = FirmwareUpdate.objects.get()
    assert (row.state, row.signed) == ("verified", True)
    firmware(talk, "InvalidSignature", 11, "SignedFirmwareStatusNotification")
    assert FirmwareUpdate.objects.get().state == "invalid"


@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
def test_a_published_firmware_is_no_update(station, protocol):
    talk = Talk(station, protocol)
    for status in ("Downloading", "ChecksumVerified"):
        firmware(talk, status, 3, "PublishFirmwareStatusNotification")
    talk.say(
        "PublishFirmwareStatusNotification", {"status": "Published", "location": ["http://10.0.0.1/f"], "requestId": 3}
    )
    assert FirmwareUpdate.objects.values_list("kind", "state").get() == ("publish", "published")


def test_21_says_why(station):
    info = {"reasonCode": "NoSpace", "additionalInfo": "4 MB missing"}
    Talk(station, "ocpp2.1").say(
        "FirmwareStatusNotification", {"status": "InstallationFailed", "requestId": 1, "statusInfo": info}
    )
    assert FirmwareUpdate.objects.get().info == "NoSpace 4 MB missing"


@pytest.mark.parametrize("request_id", [-1, 2**31, 2**70])
@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
def test_numbers_that_no_request_of_ours_has_are_none(station, protocol, request_id):
    talk = Talk(station, protocol)
    firmware(talk, "Downloading", request_id)
    firmware(talk, "Downloaded", request_id)
    assert FirmwareUpdate.objects.values_list("state", "request_id").get() == ("downloaded", None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_boot_with_the_wanted_version_says_installed(station, protocol, online):
    Station.objects.filter(pk=station.pk).update(firmware_version="1.0")
    station.refresh_from_db()
    asked(station, online, commands.UpdateFirmware(7, "https://files.example/2.bin", version="1.2"))
    from .talk import Teller

    Teller(station, protocol).boot()
    assert FirmwareUpdate.objects.values_list("state", "version_before").get() == ("installed", "1.0")
    firmware(Talk(station, protocol), "Downloading", None if protocol == "ocpp1.6" else 7)
    assert FirmwareUpdate.objects.get().state == "installed"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_boot_with_another_version_while_the_file_is_still_on_its_way_says_nothing(station, protocol, online):
    Station.objects.filter(pk=station.pk).update(firmware_version="1.0")
    asked(station, online, commands.UpdateFirmware(7, "https://files.example/2.bin"))
    from .talk import Teller

    Teller(station, protocol).boot()
    assert FirmwareUpdate.objects.get().state == "accepted"


def test_a_newer_request_ends_the_older_one(station, online):
    asked(station, online, commands.UpdateFirmware(1, "https://files.example/1.bin"))
    asked(station, online, commands.UpdateFirmware(2, "https://files.example/2.bin"))
    services.firmware_replaced(station_id=station.pk, request_id=2)
    assert dict(FirmwareUpdate.objects.values_list("request_id", "state")) == {1: "cancelled", 2: "accepted"}


def test_who_says_nothing_any_more_is_lost_and_may_speak_again(station, online, settings):
    asked(station, online, commands.UpdateFirmware(1, "https://files.example/1.bin"))
    asked(station, online, commands.GetLog(2))
    later = clock.now() + timedelta(days=2)
    asked(station, online, commands.UpdateFirmware(3, "https://files.example/3.bin", retrieve_at=later))
    past = clock.now() - timedelta(hours=settings.REPORTS_SILENT_HOURS + 1)
    FirmwareUpdate.objects.update(requested_at=past, status_at=past)
    FirmwareUpdate.objects.filter(request_id=1).update(retrieve_at=past)
    LogUpload.objects.update(requested_at=past, status_at=past)
    assert (services.lose_firmware(), services.lose_logs()) == (1, 1)
    assert (services.lose_firmware(), services.lose_logs()) == (0, 0)
    assert dict(FirmwareUpdate.objects.values_list("request_id", "state")) == {1: "lost", 3: "accepted"}
    firmware(Talk(station, "ocpp2.1"), "Installed", 1)
    assert FirmwareUpdate.objects.get(request_id=1).state == "installed"


@pytest.mark.parametrize(
    ("state", "error", "ends"),
    [
        ("rejected", "busy", "refused"),
        ("unsupported", "no", "refused"),
        ("offline", "", "refused"),
        ("timeout", "", "lost"),
    ],
)
def test_a_command_that_fails_ends_its_update_and_its_log(station, online, state, error, ends):
    online(station)
    for command in (commands.UpdateFirmware(1, "https://files.example/1.bin"), commands.GetLog(2)):
        row = services.send(station=station, command=command, origin="test")
        services.command_failed(command_id=row.pk, state=state, error=error)
    assert FirmwareUpdate.objects.get().state == ends
    assert LogUpload.objects.get().state == ends


def test_nothing_is_promised_to_a_station_that_is_away(station):
    services.send(station=station, command=commands.UpdateFirmware(1, "https://files.example/1.bin"), origin="test")
    assert FirmwareUpdate.objects.get().state == "refused"


# Logs ----------------------------------------------------------------------------------------------


def log_story(station, protocol, online):
    asked(station, online, commands.GetLog(5))
    services.log_promised(station_id=station.pk, request_id=5, file_name="d.tgz", replaces=False)
    talk = Talk(station, protocol)
    for status in ("Uploading", "Uploaded", "Uploading"):
        if protocol == "ocpp1.6":
            talk.say("DiagnosticsStatusNotification", {"status": status})
        else:
            talk.say("LogStatusNotification", {"status": status, "requestId": 5})
    row = LogUpload.objects.get(station=station)
    states = [fact["state"] for fact in events("LogStatusChanged") if fact["upload_id"] == row.pk]
    return row.kind, row.state, row.last_status, row.file_name, row.ended_at is not None, states


def test_the_same_log_leaves_the_same_row_whatever_the_version(make_station, online):
    rows = [log_story(make_station(f"CP-{i}"), protocol, online) for i, protocol in enumerate(PROTOCOLS)]
    assert rows[0] == ("diagnostics", "uploaded", "Uploaded", "d.tgz", True, ["accepted", "uploading", "uploaded"])
    assert rows[1:] == rows[:-1]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", ["BadMessage", "PermissionDenied", "NotSupportedOperation", "UploadFailure"])
def test_whatever_the_reason_a_failed_log_has_failed_and_another_try_may_come_through(station, protocol, status):
    talk = Talk(station, protocol)  # in 1.6 by the security extension
    talk.say("LogStatusNotification", {"status": status, "requestId": 5})
    assert LogUpload.objects.values_list("state", "last_status").get() == ("failed", status)
    talk.say("LogStatusNotification", {"status": "Uploaded", "requestId": 5})
    assert LogUpload.objects.get().state == "uploaded"


def test_diagnostics_of_16_failed(station):
    Talk(station, "ocpp1.6").say("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    assert LogUpload.objects.values_list("kind", "state").get() == ("diagnostics", "failed")


@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
def test_a_log_that_gives_way_to_another_is_cancelled(station, protocol):
    Talk(station, protocol).say("LogStatusNotification", {"status": "AcceptedCanceled", "requestId": 5})
    assert LogUpload.objects.get().state == "cancelled"


# The tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "ends", "states"),
    [(FIRMWARE_MOVES, FIRMWARE_ENDS, FirmwareState), (LOG_MOVES, LOG_ENDS, LogState)],
    ids=["firmware", "logs"],
)
def test_each_state_has_its_moves_and_each_life_can_end(moves, ends, states):
    assert set(moves) == set(states)
    for state in states:
        assert state not in moves[state]
        assert state in ends or moves[state] & ends
        assert states.REQUESTED not in moves[state]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_status_of_the_specification_has_a_word_of_ours(protocol):
    import json
    from importlib.resources import files

    from evcms.ocpp.schemas import FOLDERS, FREE_WORDS
    from evcms.ocpp.selfreports import FIRMWARE_STATES, IDLE, LOG_STATES

    folder = files("ocpp") / FOLDERS[protocol] / "schemas"
    names = schemas_of(protocol)._requests
    for action in FREE_WORDS & schemas_of(protocol).actions:
        text = (folder / names[action]).read_text("utf-8-sig")
        schema = json.loads(text)
        status = schema["properties"]["status"]
        words = status.get("enum") or schema["definitions"][status["$ref"].rsplit("/", 1)[1]]["enum"]
        known = LOG_STATES if "Log" in action or "Diagnostics" in action else FIRMWARE_STATES
        assert set(words) - {IDLE} <= set(known)
