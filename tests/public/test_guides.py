"""What docs/ says, as pages of the product: every file, every picture, every link among them."""

import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from evcms.public import guides

pytestmark = pytest.mark.django_db
NAMES = [name for group in guides.names() for name in group]


def test_the_shelf_names_every_guide_and_every_reference(client):
    said = client.get(reverse("public:guides")).content.decode()
    for name in NAMES:
        assert guides.page(name).title in said
        assert reverse("public:guide", args=[name]) in said
    assert set(guides.GUIDES) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_its_words_pictures_and_ways_on(client, name):
    said = client.get(reverse("public:guide", args=[name])).content.decode()
    page = guides.page(name)
    assert page.title in said
    assert page.summary, "a reader wants a first sentence"
    for picture in re.findall(rf'<img src="{settings.STATIC_URL}([^"]+)" alt="([^"]*)"', page.html):
        assert finders.find(picture[0]), f"{picture[0]} is missing"
        assert picture[1], f"{picture[0]} says nothing to those who do not see it"
    assert page.html.count("<img ") == page.html.count('height="'), "without its size the text jumps"
    for link in re.findall(r'href="(/help/[^"#]*)', page.html):
        assert client.get(link).status_code == 200, link
    for anchor in re.findall(r'href="#([^"]+)"', said):
        assert f'id="{anchor}"' in said


def test_every_way_from_a_page_into_a_guide_arrives():
    ways = [
        found
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for found in re.findall(r'{% how_it_works "(\w+)" "([\w-]+)" %}', path.read_text())
    ]
    assert len(ways) > 15
    for guide, section in ways:
        assert section in dict(guides.page(guide).sections), f"{guide} has no section {section}"


def test_links_among_guides_name_sections_that_exist():
    for name in guides.GUIDES:
        for target, anchor in re.findall(r'href="/help/([\w-]+)/#([\w-]+)"', guides.page(name).html):
            assert f'id="{anchor}"' in guides.page(target).html


def test_pictures_are_light_each_is_shown_and_the_script_takes_it():
    folder = guides.DOCS / "guides"
    kept = {path.stem for path in (folder / "pictures").glob("*.webp")}
    shown = set(re.findall(r"\(pictures/(\w+)\.webp\)", "".join(p.read_text() for p in folder.glob("*.md"))))
    taken = set(re.findall(r'Picture\(\s*"(\w+)"', (folder / "take_pictures.py").read_text()))
    assert kept == shown == taken
    for path in (folder / "pictures").glob("*.webp"):
        assert path.stat().st_size < 120_000, path.name


def test_nobody_reads_other_files(client):
    assert client.get("/help/nothing/").status_code == 404
    assert client.get("/help/../settings/").status_code == 404


def test_html_in_a_file_is_text():
    page = guides._rendered("x", "# T\n\nOne.\n\n<script>alert(1)</script>\n\n[a](javascript:alert(1))\n")
    assert "<script>" not in page.html
    assert 'href="javascript' not in page.html
