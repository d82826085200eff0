"""Dynamic QR codes: the token's arithmetic, setting a station up, and judging what a phone brings."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core import clock
from evcms.core.access import Access, Role
from evcms.core.models import AuditEntry, Membership, Organization, User
from stations import services, totp
from stations.models import Command, Connector, DynamicQr, Evse, OcppMessage, Site, Station, Variable
from stations.vocabulary import Approval, SecurityProfile
from tests.ocpp.messages.wire import link, wired_station  # noqa: F401 (fixtures)

AT = datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)
SETTINGS = totp.Settings("a shared secret of ours", 30, 20)


def test_the_token_is_the_one_of_the_specification():
    """HMAC-SHA256 of the slot's number, read from an offset in base 62; worked out by hand for this secret."""
    assert (
        totp.token(totp.Settings("0123456789abcdef", 30, 8), datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)) == "s1oXjF3p"
    )


@pytest.mark.parametrize("seconds", [-59, -30, -1, 0, 29, 59])
def test_the_neighbouring_slots_are_good(seconds):
    near = AT + timedelta(seconds=seconds)
    slots = abs(int(near.timestamp()) // 30 - int(AT.timestamp()) // 30)
    assert totp.verify(SETTINGS, totp.token(SETTINGS, near), AT) is (slots <= 1)


def test_old_future_and_foreign_tokens_are_not_good():
    good = totp.token(SETTINGS, AT)
    assert len(good) == 20
    assert good.isalnum()
    assert not totp.verify(SETTINGS, totp.token(SETTINGS, AT - timedelta(seconds=61)), AT)
    assert not totp.verify(SETTINGS, totp.token(SETTINGS, AT + timedelta(seconds=61)), AT)
    assert not totp.verify(SETTINGS._replace(secret="another"), good, AT)
    assert not totp.verify(SETTINGS, good[:-1], AT)
    assert not totp.verify(SETTINGS, "", AT)
    assert not totp.verify(SETTINGS, "ü" * 20, AT)


def access_of(organization, role=Role.OWNER):
    user = User.objects.create(email=f"{role}@volt.example")
    membership = Membership.objects.create(user=user, organization=organization, role=role, all_sites=True)
    return Access(organization=organization, membership=membership, user=user, actor=user.email)


@pytest.fixture
def volt(db):
    return Organization.objects.create(name="Volt", slug="volt")


@pytest.fixture
def street(volt):
    site = Site.objects.create(organization=volt, name="Harbour", latitude=52.1, longitude=5.1)
    made = Station.objects.create(
        organization=volt, site=site, identity="CP-1", approval=Approval.ACCEPTED, protocol="ocpp2.1"
    )
    for number in (1, 2):
        Connector.objects.create(station=made, evse=Evse.objects.create(station=made, number=number))
    return made


def settings_of(station):
    row = DynamicQr.objects.get(station=station)
    return totp.Settings(row.secret, row.validity, row.length)


def test_a_station_gets_a_secret_of_its_own_and_the_address_of_our_page(volt, street):
    row = services.set_up_dynamic_qr(access=access_of(volt), station=street, base_url="https://pay.example")
    values = dict(row.fields["values"])
    assert values["WebPaymentsCtrlr.URLTemplate"] == (
        "https://pay.example/q/{chargingStationId}/{evse}?t={totp}&v={version}"
    )
    assert len(values["WebPaymentsCtrlr.SharedSecret"]) >= 16
    assert 6 <= int(values["WebPaymentsCtrlr.ValidityTime"]) <= 3600
    entry = AuditEntry.objects.get(action="station.dynamic_qr")
    assert values["WebPaymentsCtrlr.SharedSecret"] not in str(entry.detail)


def test_who_may_not_command_cannot_set_it_up(volt, street):
    with pytest.raises(PermissionDenied):
        services.set_up_dynamic_qr(access=access_of(volt, Role.VIEWER), station=street, base_url="https://pay.example")
    assert not Command.objects.exists()


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", ""])
def test_older_versions_have_no_dynamic_codes(volt, street, protocol):
    Station.objects.update(protocol=protocol)
    street.refresh_from_db()
    with pytest.raises(ValidationError, match=r"2\.1"):
        services.set_up_dynamic_qr(access=access_of(volt), station=street, base_url="https://pay.example")


def test_a_fresh_code_leads_to_its_connector(volt, street):
    services.set_up_dynamic_qr(access=access_of(volt), station=street, base_url="https://pay.example")
    token = totp.token(settings_of(street), clock.now())
    found = services.verify_dynamic_qr(identity="CP-1", evse=2, token=token, at=clock.now())
    assert found.evse.number == 2
    later = clock.now() + timedelta(minutes=3)
    assert services.verify_dynamic_qr(identity="CP-1", evse=2, token=token, at=later) is None


def test_made_up_and_foreign_codes_lead_nowhere(volt, street):
    services.set_up_dynamic_qr(access=access_of(volt), station=street, base_url="https://pay.example")
    token = totp.token(settings_of(street), clock.now())
    for identity, evse, said in [("CP-2", 1, token), ("CP-1", 9, token), ("CP-1", 1, "x" * 20), ("CP-1", 1, "x" * 999)]:
        assert services.verify_dynamic_qr(identity=identity, evse=evse, token=said, at=clock.now()) is None


def test_a_station_that_is_not_set_up_or_not_ours_has_no_code(volt, street):
    assert services.verify_dynamic_qr(identity="CP-1", evse=1, token="x", at=clock.now()) is None
    services.set_up_dynamic_qr(access=access_of(volt), station=street, base_url="https://pay.example")
    token = totp.token(settings_of(street), clock.now())
    Station.objects.update(approval=Approval.REJECTED)
    assert services.verify_dynamic_qr(identity="CP-1", evse=1, token=token, at=clock.now()) is None


def test_the_code_on_the_screen_stays_good_while_the_secret_changes(volt, street):
    access = access_of(volt)
    services.set_up_dynamic_qr(access=access, station=street, base_url="https://pay.example")
    old = settings_of(street)
    services.set_up_dynamic_qr(access=access, station=street, base_url="https://pay.example")
    assert settings_of(street).secret != old.secret
    now = clock.now()
    assert services.verify_dynamic_qr(identity="CP-1", evse=1, token=totp.token(old, now), at=now)
    later = now + timedelta(minutes=11)
    assert services.verify_dynamic_qr(identity="CP-1", evse=1, token=totp.token(old, later), at=later) is None


def test_no_secret_reaches_the_message_log_or_the_variables(link, wired_station):  # noqa: F811
    charger = link("ocpp2.1")
    wired_station.refresh_from_db()
    access = access_of(wired_station.organization)
    services.set_up_dynamic_qr(access=access, station=wired_station, base_url="https://pay.example")
    frame = charger.receive()
    secret = DynamicQr.objects.get().secret
    sent = frame[3]["setVariableData"]
    assert secret in [row["attributeValue"] for row in sent]
    results = [
        {"attributeStatus": "Accepted", "component": row["component"], "variable": row["variable"]} for row in sent
    ]
    charger.answer(frame[1], {"setVariableResult": results})
    from tests.fixtures.processes import until

    until(lambda: Variable.objects.filter(variable="SharedSecret").exists(), what="the kept variables")
    assert Variable.objects.get(variable="SharedSecret").value is None
    assert Variable.objects.get(variable="ValidityTime").value == "60"
    assert not OcppMessage.objects.filter(request__contains=secret).exists()
    assert wired_station.security_profile == SecurityProfile.NONE
