"""A month's statement is frozen: the same bytes again, a correction is the next revision."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from evcms.core import clock
from evcms.core.access import Role
from stations import services, statement_files
from stations.models import AvailabilityStatement, Connector, Exclusion, Site, SiteGrant, StatusChange

from .conftest import make_access

MONTH = date(2026, 10, 1)
BEGIN = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Amsterdam
HOUR = timedelta(hours=1)


def say(plug, status, hour):
    moment = BEGIN + hour * HOUR
    StatusChange.objects.create(
        station=plug.station, connector=plug, status=status, at=moment, happened_at=moment, received_at=clock.now()
    )


@pytest.fixture
def plug(station, time_machine):
    """In October: ten hours faulted, on a rapid port that came in September."""
    time_machine.move_to(datetime(2026, 11, 28, 12, tzinfo=UTC))
    station.connectors.exclude(evse__number=1).delete()
    Connector.objects.filter(station=station).update(max_power_w=50_000)
    plug = station.connectors.select_related("evse", "station").get()
    for status, hour in (("available", -100), ("faulted", 100), ("available", 110)):
        say(plug, status, hour)
    services.derive_availability()
    return plug


def make(owner, site, formula="nevi", month=MONTH):
    services.derive_availability()
    return services.make_statement(access=owner, site=site, formula=formula, month=month)


def test_the_same_month_again_is_the_same_row_and_the_same_bytes(owner, site, plug, time_machine):
    row, new = make(owner, site)
    assert (row.share, row.revision, new) == (10_000 * (31 * 24 + 1 - 10) // (31 * 24 + 1), 1, True)  # an hour more
    files = statement_files.pdf(row), statement_files.csv(row)
    time_machine.move_to(datetime(2027, 3, 1, tzinfo=UTC))
    again, new = make(owner, site)
    assert (again, new) == (row, False)
    fresh = AvailabilityStatement.objects.get()
    assert (statement_files.pdf(fresh), statement_files.csv(fresh)) == files


def test_a_correction_is_the_next_revision_and_the_old_one_stays(owner, site, plug):
    old, _new = make(owner, site)
    before = statement_files.pdf(old), statement_files.csv(old)
    services.add_exclusion(
        access=owner, kind="utility", evse=plug.evse, starts_at=BEGIN + 100 * HOUR, ends_at=BEGIN + 104 * HOUR,
        reason="The grid failed", link="https://grid.example/7",
    )  # fmt: skip
    services.derive_availability()
    old.refresh_from_db()
    assert old.stale
    assert services.make_statements() == 1
    new = AvailabilityStatement.objects.get(revision=2)
    assert (new.replaces, new.content["total"]["excluded"], new.share > old.share) == (old, 4 * 3600, True)
    assert (statement_files.pdf(old), statement_files.csv(old)) == before
    text = statement_files.csv(new).decode()
    assert f"replaces {old.number}" in text
    assert "https://grid.example/7" in text
    assert services.make_statements() == 0


def test_what_happens_after_the_month_moves_nothing(owner, site, plug):
    row, _new = make(owner, site)
    say(plug, "faulted", 24 * 50)
    services.derive_availability()
    row.refresh_from_db()
    assert not row.stale


def test_every_second_is_somewhere(owner, site, plug):
    for formula in ("nevi", "uk", "sla"):
        row, _new = make(owner, site, formula)
        total = row.content["total"]
        assert total["period"] == (31 * 24 + 1) * 3600
        assert sum(each["seconds"] for each in row.content["outages"]) == total["outage"] == 10 * 3600
        assert sum(line["outage"] for line in row.content["lines"]) == total["outage"]
        assert statement_files.pdf(row).startswith(b"%PDF")


def test_where_hours_are_limited_the_list_adds_up_to_the_total_in_what_it_counts(owner, site, plug):
    Site.objects.filter(pk=site.pk).update(opening_hours="Mo-Su 06:00-12:00")
    said = {
        "target_permille": 980, "hours": "Mo-Su 07:00-09:00", "offline_counts": True, "kinds": [], "grace_minutes": 0,
        "cap_minutes": None, "statements": [],
    }  # fmt: skip
    services.set_terms(access=owner, site=site, values=said)
    for hour in (200, 300):
        say(plug, "faulted", hour)
        say(plug, "available", hour + 20)
    lengths = set()
    for formula in ("nevi", "uk", "sla"):
        row, _new = make(owner, site, formula)
        outages = row.content["outages"]
        assert sum(each["counted"] for each in outages) == row.content["total"]["outage"] > 0
        assert sum(each["seconds"] for each in outages) == 50 * 3600
        table = [line.split(",") for line in statement_files.csv(row).decode().splitlines()]
        (total,) = [line[5] for line in table if line[0] == "total"]
        assert sum(float(line[5]) for line in table if line[0] == "outage") == float(total)
        lengths.add(total)
    assert len(lengths) == 3


def test_what_was_stated_before_has_its_bytes(owner, site, plug):
    row, _new = make(owner, site)
    row.content = row.content | {
        "version": 1,
        "outages": [{key: value for key, value in each.items() if key != "counted"} for each in row.content["outages"]],
    }
    assert "outage,KADE-01 · 1,2026-10-05T04:00:00+02:00,2026-10-05T14:00:00+02:00,600.00,,,,,faulted,no," in (
        statement_files.csv(row).decode()
    )
    assert statement_files.pdf(row).startswith(b"%PDF")


def test_the_clockwork_makes_the_past_month_once_as_the_contracts_wish(owner, site, other_site, plug, time_machine):
    said = {
        "target_permille": 980, "hours": "", "offline_counts": True, "kinds": [], "grace_minutes": 0,
        "cap_minutes": None, "statements": ["nevi", "sla"],
    }  # fmt: skip
    services.set_terms(access=owner, site=None, values=said)
    services.set_terms(access=owner, site=other_site, values=said | {"statements": []})
    assert services.make_statements() == 4  # the network and one site, by two formulas
    assert services.make_statements() == 0
    assert set(AvailabilityStatement.objects.values_list("site", "month")) == {(None, MONTH), (site.pk, MONTH)}
    time_machine.move_to(datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert services.make_statements() == 0  # stations may still bring what they know of November
    time_machine.move_to(datetime(2026, 12, 2, 12, tzinfo=UTC))
    assert services.make_statements(most=1) == 1
    assert services.make_statements() == 3


def test_what_is_not_over_or_not_his_is_refused(owner, organization, site, other_site, plug):
    with pytest.raises(ValidationError, match="not over"):
        make(owner, site, month=date(2026, 11, 1))
    with pytest.raises(ValidationError):
        make(owner, site, formula="mine")
    access = make_access(organization, Role.TECHNICIAN, all_sites=False)
    SiteGrant.objects.create(membership=access.membership, site=other_site)
    for place in (site, None):
        with pytest.raises(PermissionDenied):
            make(access, place)


def test_pages_and_files(client, owner, organization, site, plug):
    client.force_login(owner.user)
    url = reverse("availability-statements")
    assert "Nothing was stated yet." in client.get(url).content.decode()
    assert client.post(url, {"month": "2026-10", "site": site.pk, "formula": "uk"}).status_code == 302
    assert client.post(url, {"month": "october", "site": "", "formula": "uk"}).status_code == 200
    row = AvailabilityStatement.objects.get()
    assert row.number in client.get(url).content.decode()
    pdf = client.get(reverse("availability-statement-pdf", args=[row.public_id]))
    assert pdf["Content-Disposition"] == f'attachment; filename="{row.number}.pdf"'
    assert client.get(reverse("availability-statement-csv", args=[row.public_id])).content.startswith(b"record,name,")
    other = make_access(organization, Role.VIEWER, all_sites=False)
    client.force_login(other.user)
    assert client.get(reverse("availability-statement-pdf", args=[row.public_id])).status_code == 404
    assert client.post(url, {"month": "2026-10", "site": site.pk, "formula": "uk"}).status_code in (200, 403)


def test_a_long_month_of_the_network_goes_on_over_pages(owner, organization, plug):
    Site.objects.bulk_create(
        Site(organization=organization, name=f"Site {number:03d}", latitude=1, longitude=1) for number in range(5)
    )
    for number in range(150):
        say(plug, "faulted" if number % 2 else "available", 200 + number)
    row, _new = make(owner, plug.station.site)
    assert len(row.content["outages"]) > 60
    assert statement_files.pdf(row).count(b"/Type /Page\n") >= 2
    assert not Exclusion.objects.exists()


def test_a_month_before_anything_was_measured_gets_no_document(owner, site, plug):
    with pytest.raises(ValidationError, match="Nothing was measured in this month"):
        make(owner, site, month=date(2026, 3, 1))
    assert not AvailabilityStatement.objects.exists()
