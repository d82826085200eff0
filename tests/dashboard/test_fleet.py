"""The list as a choice: views that people keep, bulk actions from tick to progress."""

import re

from django.urls import reverse

from billing.models import Payment
from evcms.core import workbook
from evcms.core.access import Role
from sessions.models import ChargingSession, IdToken
from stations import services as stations
from stations.models import BulkAction, Command, SavedView, Station
from tests.dashboard.conftest import browser, streamed, words
from tests.stations.conftest import make_access


def pick(access, kind, **data):
    answer = browser(access).post(reverse("bulk-draft"), {"kind": kind, **data})
    return BulkAction.objects.latest("created_at"), answer


def test_the_preview_says_who_charges_and_what_is_held(network):
    running = ChargingSession.objects.filter(ended_at=None).select_related("station").order_by("pk").first()
    Payment.objects.create(
        organization=network.organization, connector=running.connector, session=running, currency="EUR",
        snapshot=running.bill.snapshot, state="authorized", hold_minor=5000,
    )  # fmt: skip
    sent = Command.objects.filter(kind="Reset").count()
    guest = IdToken.objects.create(organization=network.organization, value="SB4MPKGX", folded="SB4MPKGX", guest=True)
    ChargingSession.objects.filter(pk=running.pk).update(driver=None, id_token=guest, token_value=guest.value)
    action, answer = pick(network.owner, "reset_hard", pick=[running.station.identity])
    assert answer.url == reverse("bulk-action", args=[action.pk])
    page = words(browser(network.owner).get(answer.url))
    assert "cut off" in page
    assert "50.00" in page
    assert re.search(r"Cost so far</span><span[^>]*>[^<]*\d\.\d\d", page)
    assert "a guest" in page  # and not the token that was made for his one start
    assert reverse("session", args=[running.public_id]) in page
    assert Command.objects.filter(kind="Reset").count() == sent  # a preview sends nothing


def test_all_that_fit_are_taken_confirmed_and_worked_off(network):
    action, answer = pick(network.owner, "unavailable", all="1", filter="status=online")
    online = Station.objects.filter(connection__closed_at=None, connection__isnull=False, archived_at=None)
    assert action.lines.count() == online.count() > 3
    client = browser(network.owner)
    assert client.post(answer.url, {"confirm": "1"}).status_code == 302
    stations.run_bulk()
    page = words(client.get(answer.url))
    assert "It is under way" in page
    assert "Cancel the rest" in page
    assert "HX-Refresh" not in client.get(answer.url + "?part=progress").headers
    assert "sent" in streamed(client.get(answer.url + "?export=csv"))
    assert client.post(answer.url, {"cancel": "1"}).status_code == 302
    assert BulkAction.objects.get().state == "cancelled"
    assert client.get(answer.url + "?part=progress")["HX-Refresh"] == "true"
    action.lines.filter(pk=action.lines.first().pk).update(state="failed")
    assert "1 failed" in words(client.get(reverse("bulk-actions")))
    assert "Take out of service" in words(client.get(reverse("bulk-actions")))


def test_what_the_kind_must_know_is_asked_and_judged(network):
    action, answer = pick(network.owner, "maintenance", all="1", filter="")
    client = browser(network.owner)
    refused = client.post(answer.url, {"confirm": "1", "title": "", "starts_at": "", "ends_at": ""})
    assert refused.status_code == 422
    times = {"starts_at": "2090-01-01T08:00", "ends_at": "2090-01-01T12:00"}
    client.post(answer.url, {"confirm": "1", "title": "Contactors", **times})
    assert BulkAction.objects.get(pk=action.pk).params["starts_at"] == "2090-01-01T08:00:00+01:00"  # of the city


def test_a_viewer_has_no_boxes(network):
    page = words(browser(make_access(network.organization, Role.VIEWER)).get(reverse("stations")))
    assert 'name="pick"' not in page
    assert 'name="pick"' in words(browser(network.owner).get(reverse("stations")))


def test_health_filters_by_incidents(network):
    page = words(browser(network.owner).get(reverse("stations") + "?health=incident"))
    well = words(browser(network.owner).get(reverse("stations") + "?health=well"))
    shown = [station.identity for station in Station.objects.all() if f'value="{station.identity}"' in page]
    assert 0 < len(shown) < 12
    assert not any(f'value="{identity}"' in well for identity in shown)


def test_a_view_is_kept_shared_seen_first_and_removed(network, db):
    other = make_access(network.organization, Role.OPERATOR)
    client, colleague = browser(network.owner), browser(other)
    answer = client.post(reverse("view-save"), {"name": "Dark ones", "query": "status=offline&evil=1", "shared": "on"})
    view = SavedView.objects.get()
    assert (view.query, answer.url) == ("status=offline", f"/stations/?view={view.pk}")
    dark = words(colleague.get(answer.url))
    assert "Dark ones" in dark
    assert "fits" in dark or "fit" in dark
    colleague.post(reverse("view-change", args=[view.pk]), {"remove": "1"})  # not his: it stays, and is his first now
    assert SavedView.objects.exists()
    first = words(colleague.get("/stations/"))
    assert first.count('name="pick"') < words(colleague.get("/stations/?view=all")).count('name="pick"')
    assert "The list of 1 colleague opens with it" in words(client.get(f"/stations/?view={view.pk}"))
    client.post(reverse("view-change", args=[view.pk]), {"remove": "1"})
    assert not SavedView.objects.exists()


def test_the_export_has_the_filter_that_the_list_shows_as_csv_and_as_a_workbook(network):
    client, owner = browser(network.owner), network.owner
    view = stations.save_view(access=owner, name="Lit", query="status=online", shared=False)
    stations.see_first(access=owner, view=view)
    lit = set(Station.objects.filter(connection__closed_at=None, connection__isnull=False).values_list("identity"))
    for address in ("?export={}", f"?view={view.pk}&export={{}}", "?status=online&export={}"):
        lines = streamed(client.get(reverse("stations") + address.format("csv"))).splitlines()[1:]
        content = client.get(reverse("stations") + address.format("xlsx")).content
        head, *rows = workbook.first_sheet(content)
        assert head[0] == "identity"
        assert {(row[0],) for row in rows} == {(line.split(",")[0],) for line in lines} == lit
    assert "export=xlsx" in client.get(reverse("stations")).content.decode()
