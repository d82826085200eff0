"""Every component on a page, served over HTTP under the product's own Content Security Policy."""

import datetime
import json
import mimetypes
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

from django import forms
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.paginator import Paginator
from django.template import RequestContext, Template
from django.test import RequestFactory, override_settings

from evcms.core import clock
from evcms.core.models import User
from evcms.simulator.city import CENTRE_LATITUDE, CENTRE_LONGITUDE, build_city
from evcms.simulator.citymap import city_map
from evcms.templatetags import figures, statuses

HERE = Path(__file__).parent
POLICY = "; ".join(
    f"{name} {' '.join(values)}" for name, values in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
)


class StationForm(forms.Form):
    name = forms.CharField(help_text="As the sign in the street says.")
    identity = forms.CharField(required=False)
    profile = forms.ChoiceField(choices=[("0", "No password"), ("1", "Password")])
    plug = forms.ChoiceField(choices=[("ccs", "CCS"), ("type2", "Type 2")], widget=forms.RadioSelect)
    public = forms.BooleanField(required=False, label="Show it on the public map")


class FilterForm(forms.Form):
    q = forms.CharField(required=False, label="Search", widget=forms.TextInput(attrs={"type": "search"}))
    status = forms.ChoiceField(required=False, choices=[("", "Any state"), ("charging", "Charging")])


def places():
    dice = random.Random(7)
    states = ["available"] * 6 + ["charging", "offline", "faulted", "maintenance", "reserved", "suspended"]
    return [
        {
            "key": index,
            "name": f"Kade {index}",
            "status": state,
            "word": str(statuses.look(state).word),
            "free": dice.randint(1, 4) if state == "available" else 0,
            "total": 4,
            "url": f"/c/{index}",
            "note": "CCS, Type 2 · 150 kW",
            "at": [CENTRE_LONGITUDE + dice.uniform(-0.02, 0.02), CENTRE_LATITUDE + dice.uniform(-0.01, 0.012)],
        }
        for index, state in enumerate(states)
    ]


def collection(features):
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def points():
    return collection(
        [
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": place["at"]}, "properties": place}
            for place in places()
        ]
    )


def streets():
    return json.dumps(city_map(build_city(1))).encode()


def session():
    start = 1_790_000_000
    t = [start + 60 * minute for minute in range(60)]
    power = [min(11000, 1500 * minute) if minute < 45 else 11000 - 600 * (minute - 45) for minute in range(60)]
    return {
        "zone": "Europe/Amsterdam",
        "t": t,
        "power_w": [None if 20 < i < 24 else p for i, p in enumerate(power)],
        "offered_w": [11000] * 60,
        "soc": [20 + minute for minute in range(60)],
        "energy_wh": [180 * minute for minute in range(60)],
        "periods": [
            {"from": t[0], "to": t[30], "label": "0.49 €/kWh"},
            {"from": t[30], "to": t[-1], "label": "0.39 €/kWh"},
        ],
        "events": [{"t": t[21], "label": "Paused by the car"}],
    }


def spans(now):
    turns = ["available", "charging", "suspended_ev", "available", "faulted", "maintenance", "available", "charging"]
    hours = [now - datetime.timedelta(hours=24 - 3 * step) for step in range(9)]
    return [(state, hours[i], hours[i + 1], f"{state} for 3 h", "#") for i, state in enumerate(turns)]


def context():
    now = clock.now()
    curve = [3, 4, 2, 5, 8, 13, 18, 22, 19, 17, 21, 24, 23, 20, 22, 25, 23]
    incident = SimpleNamespace(
        severity=4, state="open", title="Gateway lost", opened_at=now - datetime.timedelta(hours=2), assignee=""
    )
    other = SimpleNamespace(
        severity=2,
        state="acknowledged",
        title="Connector faulted: ground failure at Kade 12",
        opened_at=now,
        assignee="Mila",
    )
    connectors = [
        SimpleNamespace(
            label=f"Connector {number}",
            plug="CCS",
            max_power_w=150_000,
            status=state,
            since=now,
            url="#",
            live=f"c{number}",
            figures=[("Power", "48.2 kW"), ("Energy", "11.40 kWh"), ("Battery", "62 %")] if state == "charging" else [],
            driver="Guest, paid by card" if state == "charging" else "",
        )
        for number, state in enumerate(("available", "charging", "suspended_ev", "faulted", "offline"), 1)
    ]
    week = {
        "labels": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        "unit": "%",
        "series": [
            {"label": "This week", "values": [42, 48, 51, 47, 66, 38, 29], "hue": "accent"},
            {"label": "Week before", "values": [40, 44, 46, 45, 58, 35, 30], "hue": "offline"},
        ],
    }
    t = [1_790_000_000 + 900 * step for step in range(96)]
    lines = {
        "t": t,
        "unit": "kW",
        "digits": 1,
        "series": [
            {"label": "Delivered", "values": [abs(48 - s) * 3 for s in range(96)], "hue": "charging", "area": True}
        ],
    }
    menu = [
        ("Overview", "layout-dashboard", 0),
        ("Map", "map-2", 0),
        ("Stations", "charging-pile", 0),
        ("Sessions", "bolt", 0),
        ("Incidents", "alert-triangle", 3),
        ("Maintenance", "tool", 0),
        ("Drivers", "users", 0),
        ("Tariffs", "tag", 0),
        ("Money", "coins", 0),
        ("Settings", "settings", 0),
    ]
    return {
        "yesterday": now - datetime.timedelta(days=1),
        "spans": spans(now),
        "now": now,
        "zone": "Europe/Amsterdam",
        "curve": curve,
        "gaps": [*curve[:6], None, None, *curve[8:]],
        "segments": [("available", 87), ("charging", 23), ("suspended", 4), ("faulted", 2), ("offline", 2)],
        "energy": figures.kwh(1_284_370_000, 0),
        "revenue": figures.amount(61_872, "EUR"),
        "states": [
            "available",
            "occupied",
            "charging",
            "reserved",
            "suspended_ev",
            "suspended_evse",
            "faulted",
            "offline",
            "maintenance",
            "unavailable",
            "closing",
            "sent",
            "accepted",
            "rejected",
            "timeout",
            "authorized",
            "captured",
        ],
        "incidents": [incident, other],
        "connectors": connectors,
        "session": session(),
        "week": week,
        "lines": lines,
        "filter": FilterForm({"q": "kade"}),
        "form": StationForm({"name": "", "plug": "ccs"}),
        "page": Paginator(range(1, 232), 8).page(3),
        "timeline": [
            SimpleNamespace(status="authorized", title="50.00 € held", at=now, text="Visa ending in 4242"),
            SimpleNamespace(status="captured", title="11.72 € paid", at=now, text="The rest was released."),
        ],
        "facts": [("Identity", "RIV-0012"), ("Model", "Alfa DC 150"), ("Firmware", "4.2.1"), ("Note", "")],
        "command": SimpleNamespace(
            name="Unlock connector 2",
            state="rejected",
            sent_at=now,
            sentence="The station refused: a session is running.",
            answer='{"status":"UnlockFailed"}',
        ),
        "menu": [
            SimpleNamespace(label=word, url="#", icon=icon, badge=badge, active=word == "Overview")
            for word, icon, badge in menu
        ],
        "organization": SimpleNamespace(id=1, name="Rivierstad Energie"),
        "organizations": [SimpleNamespace(id=1, name="Rivierstad Energie"), SimpleNamespace(id=2, name="Polder Laadt")],
        "search_url": "/search",
        "centre": f"{CENTRE_LATITUDE},{CENTRE_LONGITUDE}",
        "switch_url": "/switch",
        "brand": "Rivierstad",
        "places": places()[:6],
    }


@override_settings(ROOT_URLCONF="tests.dashboard.gallery.urls")
def render(name, **more):
    request = RequestFactory().get("/gallery", {"sort": "-energy", "page": "3"})
    request.user = User(email="mila@example.org", is_staff=True)
    request.access = None
    template = Template((HERE / f"{name}.html").read_text("utf-8"))
    return template.render(RequestContext(request, {"user": request.user, **context(), **more}))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        made = {"/points.geojson": points, "/streets.geojson": streets, "/fragment": lambda: b"<b>fresh</b>"}
        if path in made:
            return self.answer(made[path](), "application/json")
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            return (
                self.answer(Path(found).read_bytes(), mimetypes.guess_type(path)[0]) if found else self.send_error(404)
            )
        if path.strip("/") in self.server.pages:
            return self.answer(self.server.pages[path.strip("/")].encode(), "text/html; charset=utf-8")
        return self.send_error(404)

    def do_POST(self):
        self.server.posts.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(b"<p id='sent'>sent</p>", "text/html")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def serve(pages):
    """A running server on a free port; `.url` is its address, `.posts` what it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.pages, server.posts = pages, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
