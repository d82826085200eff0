"""The availability page: three formulas side by side, worst first, each excluded minute with its proof."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import services
from stations.models import AvailabilityTerms, Connection, Connector, Exclusion, SiteGrant, Station, StatusChange
from tests.stations.conftest import gateway, linked, make_access, make_station, other_site  # noqa: F401

HOUR = timedelta(hours=1)
NOON = datetime(2027, 6, 16, 10, tzinfo=UTC)  # 12:00 in Berlin: what falls on which day must not hang on today's hour
URL = "/analytics/availability/"


def say(plug, status, ago):
    moment = clock.now() - ago * HOUR
    StatusChange.objects.create(
        station=plug.station, connector=plug, status=status, at=moment, happened_at=moment, received_at=clock.now()
    )


@pytest.fixture
def plug(linked, time_machine):  # noqa: F811
    """A rapid port with 100 hours of life: 4 faulted, 6 out of service. Time stands still."""
    time_machine.move_to(NOON, tick=False)
    Connection.objects.filter(station=linked).update(opened_at=clock.now() - 200 * HOUR)
    Connector.objects.filter(station=linked).update(max_power_w=150_000)
    Station.objects.filter(pk=linked.pk).update(vendor="ABB", model="Terra", firmware_version="1.2")
    plug = linked.connectors.select_related("evse", "station").first()
    for status, ago in (("available", 100), ("faulted", 90), ("available", 86), ("unavailable", 50), ("available", 44)):
        say(plug, status, ago)
    linked.connectors.exclude(pk=plug.pk).delete()
    services.derive_availability()
    return plug


def exclude(owner, plug, **more):
    said = {
        "kind": "utility", "evse": plug.evse, "starts_at": clock.now() - 89 * HOUR,
        "ends_at": clock.now() - 88 * HOUR, "reason": "The grid failed", "link": "https://grid.example/7",
    }  # fmt: skip
    row = services.add_exclusion(access=owner, **said | more)
    services.derive_availability()
    return row


def page(client, owner, path=URL):
    client.force_login(owner.user)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer


def text(answer):
    return " ".join(answer.content.decode().split())


def test_the_three_stand_side_by_side(client, owner, plug):
    answer = page(client, owner)
    now = answer.context["now"]
    assert [now.nevi.share, now.uk.share, now.sla.share] == [9_000, 9_000, 9_000]
    assert "Could drivers charge?" in text(answer)
    assert "1 of 1 site missed its contract." in text(answer)


def test_an_exclusion_counts_where_its_kind_does_and_leads_to_its_proof(client, owner, plug):
    row = exclude(owner, plug)
    now = page(client, owner).context["now"]
    assert [now.nevi.excluded, now.uk.excluded, now.sla.excluded] == [3600, 0, 3600]
    answer = page(client, owner, f"/analytics/availability/ports/{plug.evse_id}/")
    assert reverse("exclusion", args=[row.pk]) in text(answer)
    proof = page(client, owner, reverse("exclusion", args=[row.pk]))
    assert "https://grid.example/7" in text(proof)


def test_the_exports_say_the_same(client, owner, plug):
    exclude(owner, plug)
    sites = page(client, owner, f"{URL}?export=csv&table=sites").content.decode().splitlines()
    assert sites[1].startswith("Kade,1,91.00,600.00,60.00,90.00,600.00,0.00,91.00,")
    outages = page(client, owner, f"/analytics/availability/ports/{plug.evse_id}/?export=csv").content.decode()
    assert "60.00,Faulted,utility," in outages
    assert page(client, owner, f"{URL}?export=xlsx&table=ports").content[:2] == b"PK"


def test_models_are_judged_by_the_firmware_they_run_and_only_with_enough_faults(client, owner, plug):
    [row] = page(client, owner).context["models"]
    assert (row.model, row.firmware, row.faults, row.hours, row.enough) == ("Terra", "1.2", 1, 100, False)
    assert "too few faults to say" in text(page(client, owner))
    for ago in range(40, 0, -8):
        say(plug, "faulted", ago)
        say(plug, "available", ago - 2)
    services.derive_availability()
    [row] = page(client, owner).context["models"]
    assert (row.faults, row.repair) == (6, timedelta(hours=14) / 6)
    assert round(row.between / HOUR) == round((100 - 20) / 6)


def test_a_form_keeps_the_proof_as_a_file(client, owner, plug):
    client.force_login(owner.user)
    given = f"evse={plug.evse_id}&starts_at={quote('2026-11-01T10:00:00+00:00')}"
    form = client.get(f"/analytics/availability/exclusions/new/?{given}")
    assert form.context["form"].initial["port"] == plug.evse.number
    said = {
        "kind": "vandalism", "station": plug.station_id, "port": plug.evse.number, "reason": "Cable cut",
        "starts_at": f"{clock.now() - 95 * HOUR:%Y-%m-%dT%H:%M}", "ends_at": f"{clock.now():%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    answer = client.post("/analytics/availability/exclusions/new/", said)
    assert "Give a proof" in answer.content.decode()
    answer = client.post(
        "/analytics/availability/exclusions/new/", said | {"file": SimpleUploadedFile("../police report.pdf", b"seen")}
    )
    assert answer.status_code == 302
    row = Exclusion.objects.get()
    assert (row.file_name, row.evse, row.station) == ("police_report.pdf", plug.evse, None)
    assert _bytes(client, row) == [b"seen"]
    assert AuditEntry.objects.filter(action="exclusion.added").exists()


def _bytes(client, row):
    answer = client.get(reverse("exclusion-proof", args=[row.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="police_report.pdf"'
    return list(answer)


def test_a_void_exclusion_excuses_nothing_and_stays_on_record(client, owner, plug):
    row = exclude(owner, plug)
    client.force_login(owner.user)
    assert "Void it" in client.get(reverse("exclusion", args=[row.pk])).content.decode()
    client.post(reverse("exclusion", args=[row.pk]), {"reason": "Wrong street"})
    services.derive_availability()
    assert page(client, owner).context["now"].nevi.excluded == 0
    assert "Wrong street" in text(page(client, owner, reverse("exclusion", args=[row.pk])))
    assert not services.void_exclusion(access=owner, exclusion=row, reason="Again")


def test_that_of_a_window_is_voided_by_its_window_only(owner, plug):
    services.plan_maintenance(
        access=owner, title="Work", station=plug.station, starts_at=clock.now() + HOUR, ends_at=clock.now() + 2 * HOUR
    )
    clock.advance(1.5 * HOUR)
    services.run_maintenance()
    services.derive_availability()
    with pytest.raises(ValidationError, match="follows its maintenance window"):
        services.void_exclusion(access=owner, exclusion=Exclusion.objects.get(), reason="No")


@pytest.mark.parametrize("wrong", [
    {"kind": "maintenance"}, {"link": ""}, {"link": "javascript:alert(1)"}, {"link": "//evil.example"},
    {"starts_at": "future"}, {"ends_at": "before"}, {"reason": " "},
])  # fmt: skip
def test_what_cannot_be_is_refused(wrong, owner, plug):
    moments = {"future": clock.now() + HOUR, "before": clock.now() - 99 * HOUR}
    with pytest.raises(ValidationError):
        exclude(owner, plug, **{name: moments.get(value, value) for name, value in wrong.items()})


def test_who_sees_one_site_excuses_nothing_elsewhere(organization, plug, other_site):  # noqa: F811
    access = make_access(organization, Role.TECHNICIAN, all_sites=False)
    SiteGrant.objects.create(membership=access.membership, site=other_site)
    with pytest.raises(PermissionDenied):
        exclude(access, plug)


def test_a_contract_of_a_site_and_what_holds_for_all(client, owner, plug):
    client.force_login(owner.user)
    said = {"target": "85.0", "grace_minutes": "300", "kinds": ["vandalism"], "statements": ["nevi"]}
    assert client.post(f"/analytics/availability/terms/{plug.station.site_id}/", said).status_code == 302
    now = page(client, owner).context["now"]
    assert (now.sla.counted, now.sla.share) == (6 * 3600, 9_400)  # the fault of four hours is within the grace
    assert "85.0 %" in text(page(client, owner, "/analytics/availability/terms/"))
    client.post(f"/analytics/availability/terms/{plug.station.site_id}/drop/")
    assert not AvailabilityTerms.objects.exists()
    assert client.post("/analytics/availability/terms/all/", said | {"target": "101"}).status_code == 200
    assert client.post("/analytics/availability/terms/all/", said).status_code == 302
    assert AvailabilityTerms.objects.get().site is None


def test_the_pages_ask_no_more_of_a_large_network(client, owner, plug, other_site, django_assert_max_num_queries):  # noqa: F811
    for number in range(60):
        station = make_station(f"HAVEN-{number}", other_site, connectors=2)
        say(station.connectors.first(), "faulted", 5)
    services.derive_availability()
    other_site.opening_hours = "Mo-Fr 08:00-20:00"
    other_site.save()
    client.force_login(owner.user)
    client.get(URL)
    with django_assert_max_num_queries(20):
        answer = client.get(URL)
    assert len(answer.context["ports"]) == 50
    with django_assert_max_num_queries(20):
        client.get(f"/analytics/availability/ports/{plug.evse_id}/")


def test_closed_hours_count_for_neither_law_and_a_contract_has_hours_of_its_own(client, owner, plug):
    plug.station.site.opening_hours = "Mo-Su 00:00-24:00"
    plug.station.site.save()
    now = page(client, owner).context["now"]
    assert (now.nevi.excluded, now.uk.period) == (0, 100 * 3600)
    plug.station.site.opening_hours = "Mo-Su 08:00-20:00"
    plug.station.site.save()
    now = page(client, owner).context["now"]
    assert 48 * 3600 <= now.uk.period <= 52 * 3600
    assert now.nevi.excluded == 10 * 3600 - now.uk.outage > 0
    assert now.sla.period == now.nevi.period == 100 * 3600
    client.force_login(owner.user)
    said = {"target": "98", "grace_minutes": "0", "kinds": [], "hours": "Mo-Su 08:00-20:00"}
    client.post("/analytics/availability/terms/all/", said)
    now = page(client, owner).context["now"]
    assert (now.sla.period, now.sla.outage) == (now.uk.period, now.uk.outage)
    answer = client.post("/analytics/availability/terms/all/", said | {"hours": "when the shop is open"})
    assert "Write them as" in answer.content.decode()
    with_names = client.get(f"{URL}?export=csv&table=ports").content.decode()
    assert with_names.splitlines()[1].startswith("Kade,KADE-01,1,")


def test_the_station_page_tells_each_of_ninety_days(client, owner, plug, django_assert_max_num_queries):
    client.force_login(owner.user)
    path = f"/stations/{plug.station.identity}/?strip=90d"
    with django_assert_max_num_queries(25):
        body = text(client.get(path))
    assert body.count('class="ev-day ') == 90
    assert "not there yet" in body
    [(_port, days, mean)] = client.get(path).context["ports"]
    assert [day.permille for day in days if day.permille is not None] == [750, 1000, 750, 1000, 1000]
    assert mean < 1000
    assert 'role="slider"' in body
