"""Who may come in, who may not, and what the operator sees of it."""

import asyncio

import pytest

from evcms.ocpp.auth import MOST_FAILURES
from stations import passwords
from stations.models import RefusedHandshake, Station
from stations.vocabulary import Approval, RefusalReason, SecurityProfile
from tests.charger import HandshakeRefused, RawCharger

PASSWORD = passwords.make()
CHOSEN = "a password that a person chose"


async def refusal(door, identity, **options):
    """The HTTP answer that a charger gets instead of a link."""
    with pytest.raises(HandshakeRefused) as refused:
        async with RawCharger(door.url, identity, **options):
            pass
    return refused.value


@pytest.fixture
def protected(make_station):
    return make_station(
        security_profile=SecurityProfile.BASIC, password_digest=passwords.digest(PASSWORD, generated=True)
    )


@pytest.fixture
def kept(rows):
    async def read():
        return await rows(lambda: list(RefusedHandshake.objects.order_by("pk")))

    return read


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6", "ocpp2.0.1", "ocpp2.1"], "ocpp2.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6"], "ocpp1.6"),
    ],
)
async def test_the_best_common_version_is_chosen(door, station, offered, chosen, rows):
    async with RawCharger(door.url, "CP-1", subprotocols=offered) as charger:
        assert charger.subprotocol == chosen
        assert await rows(lambda: Station.objects.get().protocol) == chosen


@pytest.mark.parametrize("offered", [["ocpp1.5"], ["soap", "x"], None])
async def test_without_a_common_version_the_reason_is_visible(door, station, offered, kept):
    answer = await refusal(door, "CP-1", subprotocols=offered)
    assert (answer.status, "ocpp2.0.1" in answer.body) == (400, True)
    [row] = await kept()
    assert (row.reason, row.station_id, row.offered) == (
        RefusalReason.NO_SUBPROTOCOL,
        station.pk,
        ", ".join(offered or []),
    )


@pytest.mark.parametrize("identity", ["CP 1", "x" * 49, "CP/1", "CP\x001", "Ü", "", "CP-1'; DROP TABLE"])
async def test_a_malformed_identity_is_refused_and_shown(door, identity, kept):
    answer = await refusal(door, identity)
    assert answer.status == 404
    [row] = await kept()
    assert row.reason == RefusalReason.BAD_IDENTITY


async def test_the_identity_is_percent_decoded(door, make_station):
    make = await asyncio.to_thread(make_station, "CP*1|A@home")
    async with RawCharger(door.url, "CP*1|A@home") as charger:
        assert charger.is_open
    assert make.identity == "CP*1|A@home"


async def test_the_right_password_opens(door, protected):
    async with RawCharger(door.url, "CP-1", password=PASSWORD) as charger:
        assert charger.is_open


@pytest.mark.parametrize("spelling", [str.lower, str.upper, bytes.fromhex], ids=["hex", "HEX", "raw bytes"])
async def test_every_spelling_of_an_authorization_key_is_accepted(door, protected, spelling):
    async with RawCharger(door.url, "CP-1", password=spelling(PASSWORD)) as charger:
        assert charger.is_open


async def test_raw_bytes_that_are_no_text_are_accepted(door, make_station):
    key = "ff" * 10 + "c0" * 10
    digest = passwords.digest(key, generated=True)
    await asyncio.to_thread(make_station, security_profile=SecurityProfile.BASIC, password_digest=digest)
    with pytest.raises(UnicodeDecodeError):
        bytes.fromhex(key).decode()
    async with RawCharger(door.url, "CP-1", password=bytes.fromhex(key)) as charger:
        assert charger.is_open


async def test_a_password_that_a_person_chose_is_slow_once_only(door, make_station, monkeypatch):
    digest = passwords.digest(CHOSEN, generated=False)
    await asyncio.to_thread(make_station, security_profile=SecurityProfile.BASIC, password_digest=digest)
    hashed, slowly = [], passwords.check_password
    monkeypatch.setattr(passwords, "check_password", lambda *said: hashed.append(1) or slowly(*said))
    for _ in range(3):
        async with RawCharger(door.url, "CP-1", password=CHOSEN) as charger:
            assert charger.is_open
    assert len(hashed) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": "wrong-wrong-wrong-wrong"}, RefusalReason.WRONG_PASSWORD),
        ({"password": PASSWORD, "username": "CP-2"}, RefusalReason.WRONG_PASSWORD),
        ({"password": PASSWORD, "username": ""}, RefusalReason.WRONG_PASSWORD),
        ({"password": ""}, RefusalReason.WRONG_PASSWORD),
        ({"password": b"\xff\xfe\x00"}, RefusalReason.WRONG_PASSWORD),
        ({}, RefusalReason.NO_PASSWORD),
        ({"headers": {"Authorization": "Basic %%%"}}, RefusalReason.NO_PASSWORD),
        ({"headers": {"Authorization": "Bearer " + PASSWORD}}, RefusalReason.NO_PASSWORD),
        ({"headers": {"Authorization": "Basic " + "QQ" * 4000}}, RefusalReason.NO_PASSWORD),
    ],
)
async def test_wrong_credentials_are_refused_and_shown(door, protected, options, reason, kept):
    answer = await refusal(door, "CP-1", **options)
    assert answer.status == 401
    assert any(name.lower() == "www-authenticate" for name in answer.headers)
    [row] = await kept()
    assert (row.reason, row.station_id, row.count) == (reason, protected.pk, 1)


async def test_a_station_that_demands_a_password_but_has_none_set_stays_out(door, make_station):
    await asyncio.to_thread(make_station, security_profile=SecurityProfile.BASIC)
    assert (await refusal(door, "CP-1", password="anything-at-all-1")).status == 401


async def test_guessing_is_slowed_down_but_the_genuine_station_gets_in(door, protected, kept):
    for _ in range(MOST_FAILURES):
        assert (await refusal(door, "CP-1", password="guess")).status == 401
    assert (await refusal(door, "CP-1", password="guess")).status == 429
    async with RawCharger(door.url, "CP-1", password=PASSWORD) as charger:
        assert charger.is_open
    wrong, many = await kept()
    assert (wrong.reason, wrong.count) == (RefusalReason.WRONG_PASSWORD, MOST_FAILURES)
    assert (many.reason, many.count) == (RefusalReason.TOO_MANY_FAILURES, 1)


@pytest.mark.parametrize("profile", [SecurityProfile.BASIC_TLS, SecurityProfile.MUTUAL_TLS])
async def test_a_profile_with_tls_is_refused_on_a_plain_link(door, make_station, profile, kept):
    await asyncio.to_thread(make_station, security_profile=profile)
    assert (await refusal(door, "CP-1", password=PASSWORD)).status == 403
    assert [row.reason for row in await kept()] == [RefusalReason.WRONG_PROFILE]


async def test_an_archived_station_is_refused(door, station, rows, kept):
    from evcms.core import clock

    await rows(lambda: Station.objects.update(archived_at=clock.now()))
    assert (await refusal(door, "CP-1")).status == 403
    assert [row.reason for row in await kept()] == [RefusalReason.ARCHIVED]


async def test_an_unknown_station_is_quarantined(door, organization, rows):
    async with RawCharger(door.url, "NEW-1") as charger:
        station = await rows(Station.objects.get)
        assert (station.identity, station.approval, station.organization_id) == (
            "NEW-1",
            Approval.QUARANTINED,
            organization.pk,
        )
        assert charger.is_open
    async with RawCharger(door.url, "NEW-1"):
        assert await rows(Station.objects.count) == 1


async def test_unknown_stations_are_bounded(door, organization, settings, rows, kept):
    settings.QUARANTINE_LIMIT = 2
    for number in range(2):
        async with RawCharger(door.url, f"NEW-{number}"):
            pass
    assert (await refusal(door, "NEW-9")).status == 503
    assert await rows(Station.objects.count) == 2
    assert [row.reason for row in await kept()] == [RefusalReason.QUARANTINE_FULL]


async def test_another_path_is_no_door(door):
    with pytest.raises(HandshakeRefused) as refused:
        async with RawCharger(door.url.replace("/ocpp/", "/other/"), "CP-1"):
            pass
    assert refused.value.status == 404


async def test_a_person_with_a_browser_is_told_what_this_is(door):
    import urllib.error
    import urllib.request

    address = door.url.replace("ws://", "http://")
    with pytest.raises(urllib.error.HTTPError) as answer:
        await asyncio.to_thread(urllib.request.urlopen, address + "CP-1")
    assert answer.value.code == 426
    health = await asyncio.to_thread(urllib.request.urlopen, address.replace("/ocpp/", "/healthz"))
    assert health.status == 200
    metrics = await asyncio.to_thread(urllib.request.urlopen, address.replace("/ocpp/", "/metrics"))
    assert b"evcms_ocpp_connections" in metrics.read()
