"""Each component in a real browser, in both themes and at both widths, under the strict Content Security Policy."""

import os
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings

from tests.dashboard import gallery

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("EVCMS_SHOTS")


@pytest.fixture(scope="module")
def server():
    server = gallery.serve({name: gallery.render(name) for name in ("operator", "driver", "map")})
    yield server
    server.shutdown()
    server.server_close()


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=not name.startswith("map"))


@pytest.fixture
def page(tab):
    return tab


BACKGROUND = {"light": "rgb(246, 247, 249)", "dark": "rgb(14, 18, 24)"}


@pytest.mark.parametrize("name", ["operator", "driver", "map"])
def test_page_fits_its_width_and_breaks_no_policy(page, server, name):
    """Loaded once in each width; the colours follow the person's choice as they stand."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="light")
        page.goto(f"{server.url}/{name}")
        if name != "driver":
            page.wait_for_selector("[data-map][data-loaded='12']", state="attached")
        for scheme, background in BACKGROUND.items():
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(400)
            shot(page, f"{name}-{width}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background


@pytest.fixture
def gallery_page(page, server):
    server.posts.clear()
    page.goto(f"{server.url}/operator")
    return page


def test_a_slash_goes_to_the_search_but_not_while_typing(gallery_page):
    gallery_page.keyboard.press("/")
    assert gallery_page.evaluate("document.activeElement.id") == "ev-search"
    gallery_page.locator("#id_name").fill("a")
    gallery_page.keyboard.press("/")
    assert gallery_page.locator("#id_name").input_value() == "a/"


def test_a_dangerous_button_says_what_it_will_do_and_does_nothing_when_refused(gallery_page, server):
    gallery_page.get_by_role("button", name="Reset").click()
    dialog = gallery_page.get_by_role("dialog")
    assert "Reset 3 stations?" in dialog.inner_text()
    assert "Two running sessions end." in dialog.inner_text()
    dialog.get_by_role("button", name="Keep it as it is").click()
    assert gallery_page.get_by_role("dialog").count() == 0
    assert server.posts == []


def test_a_confirmed_button_is_sent_once(gallery_page, server):
    gallery_page.get_by_role("button", name="Reset").click()
    gallery_page.get_by_role("dialog").get_by_role("button", name="Reset 3 stations").dblclick()
    gallery_page.wait_for_selector("#sent")
    assert len(server.posts) == 1


def test_a_double_click_sends_a_form_once(gallery_page, server):
    gallery_page.locator("#id_name").fill("Kade 13")
    gallery_page.get_by_role("button", name="Save").dblclick()
    gallery_page.wait_for_selector("#sent")
    assert len(server.posts) == 1
    assert "name=Kade+13" in server.posts[0]


def test_the_menu_of_the_phone_opens_and_closes_by_keyboard(phone, server):
    phone.goto(f"{server.url}/operator")
    side = phone.locator(".ev-side")
    assert not side.is_visible()
    phone.get_by_role("button", name="Menu", exact=True).click()
    phone.wait_for_selector(".ev-side", state="visible")
    assert phone.evaluate("document.activeElement.textContent").strip() == "Overview"
    phone.keyboard.press("Escape")
    phone.wait_for_selector(".ev-side", state="hidden")
    assert phone.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"


def test_a_chart_carries_its_figures_as_a_table(gallery_page):
    chart = gallery_page.locator("[data-source=week]")
    chart.locator("summary").click()
    rows = chart.locator(".ev-chart-table tr").all_inner_texts()
    assert rows[0].split("\t") == ["", "This week (%)", "Week before (%)"]
    assert rows[5].split("\t") == ["Fri", "66", "58"]
    assert gallery_page.locator("[data-source=curve] canvas").count() == 1


def test_a_chart_is_drawn_anew_with_new_figures(gallery_page):
    week = gallery.context()["week"]
    week["series"][0]["values"][4] = 71
    gallery_page.evaluate("data => evcms.chart.update('week', data)", week)
    chart = gallery_page.locator("[data-source=week]")
    chart.locator("summary").click()
    assert chart.locator(".ev-chart-table tr").all_inner_texts()[5].split("\t") == ["Fri", "71", "58"]


def test_a_chart_takes_the_colours_of_the_theme_when_it_changes(gallery_page):
    read = "evcms.chart.of(document.querySelector('[data-source=lines]')).plot.series[1].stroke()"
    light = gallery_page.evaluate(read)
    gallery_page.emulate_media(color_scheme="dark")
    gallery_page.wait_for_timeout(300)
    assert (light, gallery_page.evaluate(read)) == ("#2f6bf0", "#5a8cff")


def test_a_marker_says_what_it_is_and_opens_by_keyboard(gallery_page):
    gallery_page.wait_for_selector("[data-map][data-loaded='12']")
    marker = gallery_page.locator(".leaflet-marker-icon:has(.ev-pin.ev-st-maintenance)")
    marker.focus()
    gallery_page.keyboard.press("Enter")
    popup = gallery_page.locator(".ev-popup")
    assert "Maintenance" in popup.inner_text()
    assert popup.get_by_role("link", name="Open").get_attribute("href") == "/c/9"


def test_the_map_shows_only_what_its_page_asks_for(gallery_page):
    gallery_page.wait_for_selector("[data-map][data-loaded='12']")
    gallery_page.evaluate("evcms.map.of(document.querySelector('[data-map]')).filter(place => place.free > 0)")
    gallery_page.wait_for_selector(".ev-pin.ev-st-maintenance", state="detached")
    assert gallery_page.locator(".ev-pin.ev-st-available, .ev-cluster").count() > 0


def test_every_control_has_a_name_and_every_field_a_label(gallery_page):
    nameless = gallery_page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, select, textarea, [role=img]')]
        .filter(el => el.type !== 'hidden')
        .filter(el => !(el.getAttribute('aria-label') || el.textContent.trim() || (el.labels && el.labels.length)
            || el.title || el.dataset.live === 'typed'))
        .map(el => el.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("403", "not yours"),
        ("404", "nothing at this address"),
        ("500", "on our side"),
        ("400", "could not read"),
        ("403_csrf", "open for too long"),
    ],
)
@override_settings(ROOT_URLCONF="tests.dashboard.gallery.urls")
def test_an_error_page_says_in_plain_words_what_happened_and_an_id_to_quote(page, name, says):
    request = RequestFactory().get("/nowhere")
    request.id = "3f0c9a"
    server = gallery.serve({name: render_to_string(f"{name}.html", request=request)})
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(f"{server.url}/{name}")
    shot(page, name)
    assert says in page.locator("h1").inner_text()
    assert "3f0c9a" in page.locator("main").inner_text()
    server.shutdown()
    server.server_close()
