"""What docs/ says, as pages of the product: every file, every picture, every link among them."""

import re
import runpy

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from evcms.public import guides
from tests.public import catalogue
from tests.public.catalogue import LANGUAGES
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
NAMES = [name for group in guides.names() for name in group]
PAGES = [*((name, "en") for name in NAMES), *(("drivers", language) for language in LANGUAGES)]
EVERY_LANGUAGE = ("en", *LANGUAGES)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def reader(language):
    return Client(headers={"accept-language": language})


def written(language):
    file = "drivers.md" if language == "en" else f"drivers.{language}.md"
    return (guides.DOCS / "guides" / file).read_text().replace("\N{NO-BREAK SPACE}", " ")


def test_the_shelf_names_every_guide_and_every_reference(client):
    said = client.get(reverse("public:guides")).content.decode()
    for name in NAMES:
        assert guides.page(name).title in said
        assert reverse("public:guide", args=[name]) in said
    assert set(guides.GUIDES) <= set(NAMES)


@pytest.mark.parametrize(("name", "language"), PAGES)
def test_a_page_shows_its_words_pictures_and_ways_on(client, name, language):
    said = reader(language).get(reverse("public:guide", args=[name])).content.decode()
    page = guides.page(name, language)
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
        for language in EVERY_LANGUAGE:
            assert section in dict(guides.page(guide, language).sections), f"{guide} has no section {section}"


def test_links_among_guides_name_sections_that_exist():
    for name, language in PAGES:
        for target, anchor in re.findall(r'href="/help/([\w-]+)/#([\w-]+)"', guides.page(name, language).html):
            assert f'id="{anchor}"' in guides.page(target, language).html


@each_language
@pytest.mark.parametrize("parts", [r'<(h\d) id="([^"]+)"', r'<img src="([^"]+)"', r"<(p|ol|ul|li)\b"])
def test_the_drivers_guide_says_the_same_in_each_language(language, parts):
    english, translated = guides.page("drivers"), guides.page("drivers", language)
    assert translated.language == language
    mine = translated.html.replace(f"_{language}.webp", ".webp")  # it shows its pages in its own language
    assert re.findall(parts, mine) == re.findall(parts, english.html)
    assert [anchor for anchor, _words in translated.sections] == [anchor for anchor, _words in english.sections]
    assert re.findall(r'href="(#[^"]+)', translated.html) == re.findall(r'href="(#[^"]+)', english.html)


def named(text, marks):
    """What a guide names *so*, with one or two stars."""
    stars = re.escape("*" * marks)
    return {bare(words) for words in re.findall(rf"(?<!\*){stars}([^*\n]+){stars}(?!\*)", text)}


def bare(words):
    """ "Start with %(card)s" is named by what stands before the card."""
    return words.partition("%(")[0].replace("\N{NO-BREAK SPACE}", " ").strip(' .:"„“«»')


def on_pages(language):
    """What drivers' pages say in English, and how it is said there in `language`."""
    known = catalogue.entries(language)
    return {bare(key): bare(known[key].forms[0]) for key in sorted(catalogue.asked(), reverse=True)}


def test_what_the_drivers_guide_names_stands_on_a_page():
    assert named(written("en"), 1) <= set(on_pages("de"))


@each_language
def test_the_drivers_guide_names_things_as_its_pages_do(language):
    said = on_pages(language)
    assert named(written(language), 1) == {said[name] for name in named(written("en"), 1)}
    headings = {said[name] for name in named(written("en"), 2) if name in said}
    assert headings > {said["Plug and go"], said["No connection to this station"]}
    assert headings <= named(written(language), 2)
    wait = catalogue.entries(language)["Probably free by %(time)s (%(percent)s %%)"].forms[0]
    assert wait % {"time": "14:30", "percent": "80"} in written(language)


@pytest.mark.parametrize(
    ("wanted", "language"), [("de-AT,de;q=0.9", "de"), ("nl", "nl"), ("fr-BE", "fr"), ("es", "es"), ("it", "en")]
)
def test_a_driver_reads_the_guide_in_the_browsers_language_or_in_english(wanted, language):
    said = reader(wanted).get(reverse("public:guide", args=["drivers"])).content.decode()
    assert f'<html lang="{language}"' in said
    assert f'<article class="ev-guide" lang="{language}"' in said
    assert guides.page("drivers", language).title in said


def test_the_chosen_language_counts_more_than_the_browsers_and_an_operators_own(organization):
    visitor = reader("nl")
    visitor.force_login(make_access(organization).user)
    visitor.post(reverse("set_language"), {"language": "fr", "next": "/help/drivers/"})
    assert '<article class="ev-guide" lang="fr"' in visitor.get("/help/drivers/").content.decode()


def test_what_is_written_in_english_only_says_so_to_ears_and_eyes():
    said = reader("de").get(reverse("public:guide", args=["operators"])).content.decode()
    assert '<html lang="de"' in said
    assert '<article class="ev-guide" lang="en"' in said
    shelf = reader("de").get(reverse("public:guides")).content.decode()
    cards = re.findall(r'<h2 class="ev-guide-title" lang="(\w+)">.*?</a>', shelf)
    assert cards == ["de", "en", "en", "en"], "what the reader reads most easily comes first"
    assert shelf.count("Auf Englisch") == len(guides.GUIDES)  # three guides, and the reference
    assert "In English" not in reader("en").get(reverse("public:guides")).content.decode()


def test_pictures_are_light_each_is_shown_and_the_script_takes_it():
    folder = guides.DOCS / "guides"
    kept = {path.stem for path in (folder / "pictures").glob("*.webp")}
    shown = set(re.findall(r"\(pictures/(\w+)\.webp\)", "".join(p.read_text() for p in folder.glob("*.md"))))
    taken = {picture.name for picture in runpy.run_path(str(folder / "take_pictures.py"))["ALL"]}
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


def test_what_editors_tell_each_other_is_not_shown_and_a_wide_table_has_room():
    causes = guides.page("attempt-causes")
    assert "&lt;!--" not in causes.html
    assert causes.html.count("ev-guide-wide") == 1
