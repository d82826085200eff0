"""static/evcms/live.js against a socket that we hold: patches, events, loss, return."""

import json

import pytest

from tests.dashboard import gallery

pytestmark = pytest.mark.browser


class Socket:
    """The server's end of a page's WebSocket: each connection, and what the page said on it."""

    def __init__(self, page):
        self.forget()
        page.route_web_socket("**/ws/live/gallery", self.opened)

    def forget(self):
        self.connections, self.said, self.refuse = [], [], False

    def opened(self, connection):
        if self.refuse:
            connection.close()
            return
        self.connections.append(connection)
        connection.on_message(lambda text: self.said.append(json.loads(text)))

    def send(self, **message):
        self.connections[-1].send(json.dumps(message))

    def patch(self, *items):
        self.send(type="patch", items=list(items))


@pytest.fixture(scope="module")
def server():
    server = gallery.serve({"operator": gallery.render("operator", live_url="/ws/live/gallery")})
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def kept_socket(kept_tab):
    return Socket(kept_tab[0])


@pytest.fixture
def page(tab):
    return tab


@pytest.fixture
def socket(page, server, kept_socket):
    kept_socket.forget()
    page.goto(f"{server.url}/operator")
    page.wait_for_selector("#ev-live[data-state=live]")
    return kept_socket


def test_a_page_says_hello_and_shows_that_it_is_live(page, socket):
    assert socket.said[0] == {"type": "hello", "since": None}
    assert page.locator("#ev-live").inner_text() == "live"


def test_a_figure_changes_without_reload(page, socket):
    socket.patch({"target": "now", "text": "24 sessions"})
    page.wait_for_selector("[data-live=now]:text-is('24 sessions')")


def test_a_burst_is_written_twice_a_second_and_ends_with_the_last_word(page, socket):
    page.evaluate(
        """() => { window.writes = 0; const now = document.querySelector('[data-live=now]');
        new MutationObserver(() => window.writes++).observe(now, {childList: true}); }"""
    )
    for count in range(300):
        socket.patch({"target": "now", "text": f"{count} sessions"})
    page.wait_for_selector("[data-live=now]:text-is('299 sessions')")
    assert page.evaluate("window.writes") <= 4


def test_after_a_quiet_time_the_first_word_is_written_at_once(page, socket):
    """Half a second of gathering is for bursts: a lone word must not wait for it."""
    page.evaluate(
        """() => { window.late = setTimeout; let timers = [];
        window.setTimeout = (fn, wait, ...rest) => { timers.push(wait); return window.late(fn, wait, ...rest); };
        window.timers = timers; }"""
    )
    page.wait_for_timeout(600)
    socket.patch({"target": "now", "text": "25 sessions"})
    page.wait_for_selector("[data-live=now]:text-is('25 sessions')")
    assert min(page.evaluate("window.timers")) <= 20


def test_an_element_is_replaced_and_its_attributes_set(page, socket):
    socket.patch({"target": "gone", "html": "<i id='new'>new</i>"}, {"target": "#main", "attrs": {"data-mark": "1"}})
    page.wait_for_selector("#new")
    assert page.locator("#old").count() == 0
    assert page.locator("#main[data-mark='1']").count() == 1


def test_a_row_comes_on_top_and_the_tape_keeps_its_length(page, socket):
    for number in range(5):
        socket.patch({"target": "tape", "prepend": f"<li>event {number}</li>"})
    page.wait_for_selector("text=event 4")
    assert page.locator("[data-live=tape] li").all_inner_texts() == ["event 4", "event 3", "event 2"]


def test_nothing_is_written_under_the_fingers_of_somebody_who_types(page, socket):
    field = page.locator("#id_name")
    field.focus()
    page.evaluate("document.getElementById('form').dataset.live = 'form'")
    socket.patch({"target": "form", "html": "<b id='late'>late</b>"}, {"target": "now", "text": "25 sessions"})
    page.wait_for_selector("[data-live=now]:text-is('25 sessions')")
    assert page.locator("#late").count() == 0
    field.blur()
    page.wait_for_selector("#late")


def test_what_is_sent_cannot_bring_script_handlers(page, socket):
    socket.patch({"target": "#main", "attrs": {"onclick": "alert(1)", "data-mark": "2"}})
    page.wait_for_selector("#main[data-mark='2']", state="attached")
    assert page.locator("#main").get_attribute("onclick") is None


def test_an_event_reaches_the_map_and_repaints_one_marker(page, socket):
    page.wait_for_selector("[data-map][data-loaded='12']")
    page.evaluate("evcms.map.of(document.querySelector('[data-map]')).show(6)")
    page.wait_for_selector(".ev-popup-name:has-text('Kade 6')")
    socket.send(type="event", name="site", data={"key": 6, "status": "faulted", "word": "Faulted", "free": 0})
    page.wait_for_selector(".ev-popup-state:has-text('Faulted')")


def test_a_page_says_when_it_was_drawn(page, socket, server):
    page.route("**/operator", lambda route: route.fulfill(body=drawn_at(route.fetch().text(), 1_796_000_000)))
    page.goto(f"{server.url}/operator")
    page.wait_for_selector("#ev-live[data-state=live]")
    page.unroute("**/operator")
    assert socket.said[-1] == {"type": "hello", "since": 1_796_000_000}


def drawn_at(html, moment):
    assert 'data-live-since=""' in html  # the gallery's pages have no request
    return html.replace('data-live-since=""', f'data-live-since="{moment}"')


@pytest.mark.parametrize(("answer", "shown"), [("refresh", "fresh"), ("caught_up", "old")])
def test_what_was_said_before_the_page_listened_is_fetched(page, socket, answer, shown):
    page.evaluate("document.querySelector('[data-live=gone]').dataset.liveRefresh = '/fragment'")
    socket.send(type=answer)
    socket.patch({"target": "now", "text": "26 sessions"})
    page.wait_for_selector("[data-live=now]:text-is('26 sessions')")
    page.wait_for_load_state("networkidle")
    page.wait_for_selector(f"[data-live=gone] >> text={shown}")


def test_a_lost_socket_is_said_and_its_fragments_are_fetched_again_at_once(page, socket):
    page.evaluate("document.querySelector('[data-live=gone]').dataset.liveRefresh = '/fragment'")
    socket.connections[-1].close()
    page.wait_for_selector("#ev-live[data-state=reconnecting]")
    page.wait_for_selector("#ev-live[data-state=live]")
    page.wait_for_selector("[data-live=gone] >> text=fresh")
    assert socket.said[-1] == {"type": "hello", "since": None}


def test_an_event_fetches_a_fragment_again_and_finds_it_in_a_whole_page_by_its_id(page, socket):
    page.evaluate(
        """() => { const form = document.getElementById('form');
        form.dataset.liveRefresh = '/operator'; form.dataset.liveOn = 'incident';
        form.querySelector('label').textContent = 'stale'; }"""
    )
    socket.send(type="event", name="incident", data={"key": 1})
    page.wait_for_selector("#form label:text-is('Name')")
    assert page.locator("#form").count() == 1


def test_a_fragment_with_a_key_follows_only_events_about_itself(page, socket, server):
    page.evaluate(
        """() => { const card = document.getElementById('c2'); card.dataset.liveRefresh = '/fragment';
        card.dataset.liveOn = 'connector.status'; card.dataset.liveKey = 'station_id:17'; }"""
    )
    socket.send(type="event", name="connector.status", data={"key": "station_id:4", "station_id": 4})
    page.wait_for_timeout(1200)
    assert "fresh" not in page.locator("#c2").inner_text()
    socket.send(type="event", name="connector.status", data={"key": "station_ids:x", "station_ids": [4, 17]})
    page.wait_for_selector("#c2 >> text=fresh")


def test_the_map_loads_its_points_again_and_keeps_an_open_popup(page, socket, server):
    page.wait_for_selector("[data-map][data-loaded='12']")
    page.evaluate("evcms.map.of(document.querySelector('[data-map]')).show(8)")
    page.wait_for_selector(".ev-popup-state:has-text('Faulted')")
    points = json.loads(gallery.points())
    points["features"][8]["properties"] |= {"status": "available", "word": "Available", "free": 2}
    points["features"].pop(0)
    page.route("**/points.geojson", lambda route: route.fulfill(json=points))
    page.evaluate("evcms.map.of(document.querySelector('[data-map]')).reload()")
    page.wait_for_selector("[data-map][data-loaded='11']")
    assert page.locator(".ev-popup-name").inner_text() == "Kade 8"
    assert "Available · 2 of 4 free" in page.locator(".ev-popup-state").inner_text()


def test_an_age_keeps_telling_the_truth_while_the_page_stays_open(page, socket):
    moments = "[...document.querySelectorAll('time[data-ago]')]"
    page.evaluate(f"{moments}.forEach(time => time.dateTime = new Date(Date.now() - 7260e3).toISOString())")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert set(page.evaluate(f"{moments}.map(time => time.textContent)")) == {"2 h ago"}
