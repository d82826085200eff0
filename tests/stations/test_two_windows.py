"""Two windows on one site or station: each stores what he changed; where both changed the same the second is told."""

import html
import re

import pytest
from django.urls import reverse

from stations import tagging
from stations.models import Site, Station
from tests.dashboard.conftest import browser

pytestmark = pytest.mark.django_db


def opened(client, page):
    """What a browser would send back untouched."""
    text = client.get(page).text
    form = text[text.index('<form method="post">') :].partition("</form>")[0]
    found = {
        name: html.unescape(value) for name, value in re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', form)
    }
    for name, rest in re.findall(r'<select[^>]* name="(\w+)"(.*?)</select>', form, re.DOTALL):
        found[name] = (re.search(r'value="([^"]*)" selected', rest) or ("", ""))[1]
    for name, words in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(words)
    for box in re.findall(r'<input type="checkbox"[^>]*>', form):
        if " checked" in box:
            found[re.search(r'name="(\w+)"', box)[1]] = "on"
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def test_each_stores_what_he_changed_of_a_site(owner, site):
    Site.objects.filter(pk=site.pk).update(access_notes="Gate", access_notes_in={"de": "Tor", "nl": "Poort"})
    client, page = browser(owner), reverse("site-edit", args=[site.pk])
    mine, theirs = opened(client, page), opened(client, page)
    assert (
        client.post(page, theirs | {"city": "Delft", "access_notes_in_de": "Hoftor", "accessible": "on"}).status_code
        == 302
    )
    assert client.post(page, mine | {"name": "New quay", "access_notes_in_fr": "Porte"}).status_code == 302
    site.refresh_from_db()
    assert (site.name, site.city, site.accessible, site.access_notes) == ("New quay", "Delft", True, "Gate")
    assert site.access_notes_in == {"de": "Hoftor", "nl": "Poort", "fr": "Porte"}


def test_where_both_changed_the_same_the_second_is_told_what_it_is_now(owner, site):
    client, page = browser(owner), reverse("site-edit", args=[site.pk])
    mine, theirs = opened(client, page), opened(client, page)
    client.post(page, theirs | {"city": "Delft"})
    answer = client.post(page, mine | {"city": "Gouda", "name": "New quay"})
    assert "Somebody else changed this meanwhile, to: Delft" in answer.text
    site.refresh_from_db()
    assert (site.city, site.name) == ("Delft", "Kade")
    assert client.post(page, mine | {"city": "Delft"}).status_code == 302  # the same words: nothing to tell


def test_tags_that_a_colleague_gave_stay(owner, station):
    client, page = browser(owner), reverse("station-edit", args=[station.identity])
    mine, theirs = opened(client, page), opened(client, page)
    client.post(page, theirs | {"tags": "harbour"})
    assert client.post(page, mine | {"name": "By the crane"}).status_code == 302
    row = Station.objects.get(pk=station.pk)
    assert (row.name, tagging.written(row)) == ("By the crane", "harbour")


@pytest.mark.parametrize("seen", ["", "{", "[1]", '{"name": 7}', None])
def test_what_nobody_saw_counts_as_changed(seen, owner, site):
    client, page = browser(owner), reverse("site-edit", args=[site.pk])
    said = opened(client, page) | {"name": "New quay", "seen": seen}
    if seen is None:
        del said["seen"]
    assert client.post(page, said).status_code in (200, 302)
    site.refresh_from_db()
    assert site.name in ("New quay", "Kade")
