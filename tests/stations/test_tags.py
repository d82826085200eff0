"""Free labels: on one station, on many, by a table, through the API; found again by the list."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import queries, services, table, tagging
from stations.models import BulkKind, SiteGrant, Station, Tag
from tests.dashboard.conftest import browser, streamed, words

from .conftest import make_access, make_station
from .test_import import brought, complaints, load, nothing_to_do

pytestmark = pytest.mark.django_db


def borne(station):
    return tagging.written(Station.objects.get(pk=station.pk))


def test_they_are_set_audited_and_set_twice_is_once(owner, station):
    for _press in range(2):
        services.set_tags(access=owner, station=station, names=["Motorway", "rent  free", "MOTORWAY", ""])
    assert borne(station) == "Motorway; rent free"
    entry = AuditEntry.objects.get(action="station.tagged")
    assert (entry.object_id, entry.detail["after"]) == (str(station.pk), ["Motorway", "rent free"])
    services.set_tags(access=owner, station=station, names=[])
    assert borne(station) == ""
    assert list(tagging.tags(owner)) == []
    services.prune_tags()
    assert not Tag.objects.exists()


@pytest.mark.parametrize("name", ["a" * 41, "a,b", "a;b", "none", "a\0b", "\u202ereversed"])
def test_what_is_no_tag_is_refused_with_a_sentence(owner, station, name):
    with pytest.raises(ValidationError):
        services.set_tags(access=owner, station=station, names=[name])
    with pytest.raises(ValidationError, match="20"):
        services.set_tags(access=owner, station=station, names=[f"t{n}" for n in range(21)])
    assert borne(station) == ""


def test_a_tag_that_only_archived_stations_bear_finds_nothing_and_is_not_offered(owner, station):
    services.set_tags(access=owner, station=station, names=["rollout"])
    services.archive_station(access=owner, station=station)
    assert list(tagging.tags(owner)) == []
    assert borne(station) == "rollout"


def test_others_stations_and_tags_are_nobodys_business(owner, rival, site, other_site, station):
    services.set_tags(access=owner, station=station, names=["secret"])
    far = make_station("HAVEN-01", other_site)
    services.set_tags(access=owner, station=far, names=["harbour"])
    stranger = make_access(rival)
    with pytest.raises(PermissionDenied):
        services.set_tags(access=stranger, station=station, names=["mine"])
    assert list(tagging.tags(stranger)) == []
    limited = make_access(owner.organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=limited.membership, site=site)
    assert [tag.name for tag in tagging.tags(limited)] == ["secret"]
    with pytest.raises(PermissionDenied):
        services.change_tags(access=limited, station=station, add=["x"])


def run_bulk(access, kind, stations, tags):
    action = services.draft_bulk(access=access, kind=kind, station_ids=[each.pk for each in stations])
    services.confirm_bulk(access=access, action=action, values={"tags": tags})
    services.run_bulk()
    return [(line.state, line.detail) for line in action.lines.order_by("pk")]


def test_many_get_one_and_lose_it_again(owner, site, station):
    other = make_station("KADE-02", site)
    services.set_tags(access=owner, station=other, names=["old"])
    assert run_bulk(owner, BulkKind.TAG, [station, other], "Motorway, new") == [("done", ""), ("done", "")]
    assert (borne(station), borne(other)) == ("Motorway; new", "Motorway; new; old")
    services.set_tags(access=owner, station=station, names=["new"])
    assert run_bulk(owner, BulkKind.UNTAG, [station, other], "motorway") == [
        ("done", "Nothing was to do."),
        ("done", ""),
    ]
    assert borne(other) == "new; old"
    draft = services.draft_bulk(access=owner, kind=BulkKind.TAG, station_ids=[station.pk])
    with pytest.raises(ValidationError, match="Name a tag"):
        services.confirm_bulk(access=owner, action=draft, values={"tags": " , "})


def test_a_table_sets_them_leaves_them_takes_them_and_says_what_is_wrong(owner, station):
    head = "site,station,tags\n"
    looked = brought(owner, head + "Kade,KADE-01,fast; motorway\n")
    assert looked.changed["stations"] == 1
    assert borne(station) == ""
    load(owner, head + "Kade,KADE-01,fast; Motorway\n")
    assert borne(station) == "fast; Motorway"
    assert nothing_to_do(load(owner, head + "Kade,KADE-01,\n"))
    assert nothing_to_do(load(owner, head + 'Kade,KADE-01,"motorway, FAST"\n'))
    assert complaints(owner, head + f"Kade,KADE-01,{'x' * 41}\n") == [(2, "tags")]
    rows = queries.visible_sites(owner), queries.stations(owner), queries.connectors(owner)
    text = "".join(table.write(*rows))
    assert "fast; Motorway" in text
    assert nothing_to_do(load(owner, text))
    load(owner, head + "Kade,KADE-01,none\n")
    assert borne(station) == ""


def test_the_list_filters_by_them_shows_them_and_a_view_keeps_them(owner, site, station):
    make_station("KADE-02", site)
    services.set_tags(access=owner, station=station, names=["A & B", "<b>bold</b>"])
    client = browser(owner)
    page = client.get(reverse("stations"), {"tag": "A & B"})
    assert "KADE-01" in words(page)
    assert "KADE-02" not in words(page)
    assert "?tag=A%20%26%20B" in words(page)
    assert "<b>bold" not in words(page)
    assert "A & B" in streamed(client.get(reverse("stations") + "?tag=A+%26+B&export=csv"))
    view = services.save_view(access=owner, name="Ours", query="tag=A+%26+B", shared=False)
    assert "KADE-02" not in words(client.get(f"{reverse('stations')}?view={view.pk}"))
    assert "?tag=A%20%26%20B" in words(client.get(reverse("station", args=["KADE-01"])))


def test_the_form_keeps_them_and_the_api_reads_and_writes_them(owner, station):
    client = browser(owner)
    address = reverse("station-edit", args=[station.identity])
    form = {"identity": station.identity, "site": station.site_id, "security_profile": 1, "tags": "fast, slow"}
    assert client.post(address, form).status_code == 302
    assert 'value="fast; slow"' in words(client.get(address))
    assert "no comma" in words(client.post(address, form | {"tags": "x" * 41}))
    assert borne(station) == "fast; slow"
