"""The looks of a charger's display: plain pages, understood without a word of explanation."""

from __future__ import annotations

import io
from html import escape
from urllib.parse import quote

import segno

from evcms.simulator.chargers import Charger, Port, PortState

STATES = {
    PortState.AVAILABLE: "Free – plug in, or pay first",
    PortState.PREPARING: "Connected – please pay or show your card",
    PortState.CHARGING: "Charging",
    PortState.SUSPENDED_EV: "The car is not drawing power",
    PortState.SUSPENDED_EVSE: "Paused by the station",
    PortState.FINISHING: "Finished – please unplug",
    PortState.RESERVED: "Reserved",
    PortState.UNAVAILABLE: "Out of service",
    PortState.FAULTED: "Out of order",
}
STYLE = """
:root { color-scheme: dark; --ink: #e8eef2; --dim: #9fb0bb; --line: #31424d; --box: #17242c; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #0c151a; color: var(--ink); }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0; }
a { color: #7cc7ff; } .dim { color: var(--dim); } .plugs { display: grid; gap: 1rem; margin-top: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); }
.plug { background: var(--box); border: 1px solid var(--line); border-radius: 14px; padding: 1.1rem; }
.state { font-size: 1.25rem; font-weight: 600; margin: .5rem 0; } .Charging .state { color: #6cb8ff; }
.Available .state { color: #63d297; } .Faulted .state { color: #ff8f8f; } .Preparing .state { color: #ffd479; }
.figures { display: flex; gap: 1.5rem; flex-wrap: wrap; margin: .75rem 0; }
.figures b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
.qr { background: #fff; border-radius: 10px; padding: .6rem; width: 11rem; } .qr svg { display: block; width: 100%; }
.price { font-size: 1.05rem; } .bar { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: 1rem; }
button, input { font: inherit; border-radius: 9px; border: 1px solid var(--line); padding: .55rem .8rem; }
button { background: #24506e; color: #fff; cursor: pointer; min-height: 2.75rem; }
button:hover { background: #2f6890; } button:focus-visible, input:focus-visible, a:focus-visible {
  outline: 3px solid #ffd479; outline-offset: 2px; }
input { background: #0c151a; color: var(--ink); width: 12.5rem; }
form { margin: 0; display: inline-flex; gap: .4rem; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; }
td, th { text-align: left; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
.told { border: 1px solid #ffd479; border-radius: 9px; padding: .6rem .8rem; margin-top: 1rem; }
"""
SCRIPT = """
'use strict';
const screens = document.getElementById('screens');
async function look() {
  try {
    const answer = await fetch(location.pathname + '/screens', {cache: 'no-store'});
    if (answer.ok && !screens.contains(document.activeElement)) screens.innerHTML = await answer.text();
  } catch (error) { /* the charger is switched off */ }
}
if (screens) setInterval(look, 1000);
"""


def page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/display.css"><script src="/display.js" defer></script></head>'
        f"<body><main>{body}</main></body></html>"
    )


def index(chargers: list[Charger]) -> str:
    """All chargers; those that no simulated driver uses come first: they are for whoever reads this."""
    rows = sorted(chargers, key=lambda charger: (not charger.station.kept_free, charger.identity))
    lines = "".join(
        f'<tr><td><a href="/{quote(one.identity)}">{escape(one.identity)}</a></td>'
        f"<td>{escape(one.station.site)}</td><td>{escape(one.station.protocol)}</td>"
        f"<td>{escape(', '.join(str(port.state) for port in one.ports.values()))}</td>"
        f"<td>{'for you' if one.station.kept_free else ''}</td></tr>"
        for one in rows
    )
    head = "<tr><th>Charger</th><th>Place</th><th>Speaks</th><th>Connectors</th><th></th></tr>"
    text = '<p class="dim">Simulated chargers. Open one and be the driver who stands in front of it.</p>'
    return page("Chargers", f"<h1>Chargers of the street</h1>{text}<table>{head}{lines}</table>")


def charger(one: Charger, web: str, told: str) -> str:
    station = one.station
    note = f'<p class="told" role="status">{escape(told)}</p>' if told else ""
    about = (station.site, f"{station.vendor} {station.model}", station.protocol)
    place = escape(" · ".join(text for text in about if text))
    link = '<p><a href="/">All chargers</a></p>'
    body = f'<h1>{escape(one.identity)}</h1><p class="dim">{place}</p>{note}'
    return page(one.identity, f'{body}<div id="screens">{screens(one, web)}</div>{link}')


def screens(one: Charger, web: str) -> str:
    cards = "".join(_plug(one, port, web) for port in one.ports.values())
    state = "online" if one.is_accepted else "offline: it goes on by what it knows"
    return f'<p class="dim">The charger is {state}.</p><div class="plugs">{cards}</div>{_line(one)}'


def _line(one: Charger) -> str:
    cut = _button(one, 0, "cut", "Cut the network") if one.is_connected else _button(one, 0, "restore", "Network back")
    return f'<div class="bar" aria-label="Charger">{cut}</div>'


def _plug(one: Charger, port: Port, web: str) -> str:
    screen = port.screen
    parts = [
        f"<h2>Connector {port.number} · {escape(port.plug.plug)} · {port.plug.max_power_w // 1000} kW</h2>",
        f'<p class="state">{escape(_state(one, port))}</p>',
        _figures(port),
        f'<p class="price">{escape(screen.price)}</p>' if screen.price else "",
        f'<p class="dim">{escape(screen.message)}</p>' if screen.message and port.car is None else "",
        _receipt(screen.receipt),
        _code(one.code_url(port, web)) if port.session is None or not port.session.token else "",
        _buttons(one, port),
    ]
    return f'<section class="plug {port.state}" data-connector="{port.number}">{"".join(parts)}</section>'


def _state(one: Charger, port: Port) -> str:
    if one.waits_for_phone(port):
        return "Somebody is paying by phone"
    if port.state is PortState.PREPARING and port.authorization is not None:
        return "Paid – please plug in" if port.authorization.reference else "Accepted – please plug in"
    return STATES[port.state]


def _figures(port: Port) -> str:
    session = port.session or (port.stopped[-1] if port.stopped and port.is_finishing else None)
    if session is None:
        return ""
    energy = (port.register_mwh - session.meter_start_mwh) / 1_000_000
    cost = f'<span><b class="cost">{escape(port.screen.cost_text)}</b>so far</span>' if port.screen.cost_text else ""
    if cost and session.final_cost is not None:
        cost = cost.replace("so far", "in all")
    return (
        f'<div class="figures"><span><b class="power">{port.power_w / 1000:.1f} kW</b>power</span>'
        f'<span><b class="energy">{energy:.2f} kWh</b>energy</span>{cost}</div>'
    )


def _receipt(url: str) -> str:
    if not url.startswith("http"):
        return ""
    return f'<p>Receipt: <a class="receipt" href="{escape(url)}">{escape(url)}</a></p>'


def _code(url: str) -> str:
    """The QR code, and its address for a person whose phone is the same computer."""
    if not url:
        return ""
    out = io.BytesIO()
    segno.make(url, error="m").save(out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=1)
    return (
        f'<div class="qr">{out.getvalue().decode()}</div>'
        f'<p><a class="code" href="{escape(url)}">Scan to pay (opens the page)</a></p>'
    )


def _buttons(one: Charger, port: Port) -> str:
    plug = _button(one, port.number, "unplug", "Unplug") if port.car else _plug_in(one, port)
    cards = "".join(f'<option value="{escape(token)}"></option>' for token in one.station.tokens)
    first = escape(one.station.tokens[0]) if one.station.tokens else ""
    tap = (
        f'<form method="post" action="/{quote(one.identity)}/{port.number}/tap">'
        f'<input name="uid" list="cards-{port.number}" value="{first}" aria-label="Card" maxlength="36">'
        f'<datalist id="cards-{port.number}">{cards}</datalist><button>Tap card</button></form>'
    )
    taken = port.authorization is not None or (port.session is not None and port.session.token)
    pay = "" if one.faults.no_terminal or taken else _button(one, port.number, "pay", "Pay at the terminal")
    deed, words = ("repair", "Repair it") if port.fault else ("break", "Break it")
    broken = _button(one, port.number, deed, words)
    return f'<div class="bar">{plug}{tap}{pay}{broken}</div>'


def _plug_in(one: Charger, port: Port) -> str:
    """With a field for the id of a car that is its own card (plug and go)."""
    return (
        f'<form method="post" action="/{quote(one.identity)}/{port.number}/plug"><button>Plug in</button>'
        '<input name="car" aria-label="Id of the car, if it tells one" placeholder="car id (optional)" maxlength="30">'
        "</form>"
    )


def _button(one: Charger, number: int, action: str, label: str) -> str:
    place = f"/{quote(one.identity)}/{number}/{action}"
    return f'<form method="post" action="{place}"><button>{escape(label)}</button></form>'
