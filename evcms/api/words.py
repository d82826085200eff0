"""The prose of the API's description."""

from typing import Final

INTRODUCTION: Final = """Stations, sessions, tokens, tariffs and commands of a public charging network.

**Tokens.** Make one under *Settings → API tokens* and send it with every request:

    curl -H "Authorization: Bearer evc_…" https://<your host>/api/v1/stations/

A token acts for the member who made it, cut to the scopes that it was given: it sees that member's organization and
sites, nothing else. On this page: *Authorize*, then *Try it out*.

**Lists** come in pages: `?page=2&page_size=100` (at most 200), answered as `count`, `next`, `previous`, `results`.
Filters are query parameters; several narrow together. A filter or a value that does not exist is refused with 400 and
what there is, never ignored.

**Units.** Energy is whole mWh (1 kWh = 1 000 000 mWh), power W, current mA, voltage mV. Amounts of money are whole
minor units (cents) with their ISO 4217 currency; unit prices are decimal texts in the currency. Times are ISO 8601 with
a zone.

**Errors** are JSON: `{"detail": "a sentence"}`, or `{"field": ["a sentence", …]}` for each wrong field. 400 the request
is wrong, 401 no valid token, 403 not allowed, 404 not there (or not for you), 405 wrong method, 409 not now.

**Open data.** Where chargers stand, their prices and what is free now, for anybody and without a token:
`/open-data/stations.geojson` and `/open-data/status.geojson` (docs/open-data.md).

**Changes.** New members may appear in answers at any time; existing ones keep name and meaning within v1.
"""

TAGS: Final = {
    "Sites": "Places with stations.",
    "Stations": "Charging stations (OCPP 1.6: charge points), commands to them, their OCPP log and configuration.",
    "Evses": "What charges one car at a time; OCPP 1.6 connector *n* is EVSE *n* with one connector.",
    "Connectors": "Plugs, with what a person is told about each (`shown`).",
    "Commands": "What became of a command: poll here.",
    "Sessions": "Charging sessions and their readings.",
    "Tokens": "Id tokens (cards, apps) that may charge. Any status; a past `expires_at` makes it expired to stations.",
    "Reservations": "Connectors kept free for a token.",
    "Tariffs": "What charging costs.",
    "Security-events": "What stations report of attacks, starts and changes.",
    "Firmware-files": "Firmware that stations can be told to install.",
    "Firmware-updates": "Firmware on its way to stations.",
    "Logs": "Diagnostics and security logs that stations sent.",
    "Station-events": "Values that OCPP 2.x stations watch and report.",
    "Incidents": "What is or was wrong, who has it, and what can be done about it. Webhooks carry the same object.",
    "Notifications": "What people and systems were told, by which channel, and what became of each attempt.",
    "On-call": "Who is on call now, rota by rota.",
}

SUMMARIES: Final = {
    "get /sites/": "List sites",
    "get /sites/{id}/": "Read a site",
    "get /stations/": "List stations",
    "post /stations/": "Enter a station",
    "get /stations/{identity}/": "Read a station with its connectors",
    "patch /stations/{identity}/": "Change a station, approve or reject it",
    "post /stations/{identity}/commands/": "Send a command",
    "get /stations/{identity}/messages/": "Read the OCPP log, newest first",
    "get /stations/{identity}/variables/": "Read the reported configuration",
    "get /evses/": "List EVSEs",
    "get /connectors/": "List connectors",
    "get /connectors/{code}/": "Read a connector",
    "get /commands/{id}/": "Read (poll) a command",
    "get /sessions/": "List sessions, newest first",
    "get /sessions/{public_id}/": "Read a session",
    "get /sessions/{public_id}/samples/": "Read a session's samples, oldest first",
    "get /tokens/": "List tokens",
    "post /tokens/": "Add a token",
    "get /tokens/{id}/": "Read a token",
    "patch /tokens/{id}/": "Change a token: block it, let it expire",
    "delete /tokens/{id}/": "Delete a token",
    "get /reservations/": "List reservations, newest first",
    "post /reservations/": "Reserve",
    "get /reservations/{id}/": "Read a reservation",
    "delete /reservations/{id}/": "Cancel a reservation",
    "get /tariffs/": "List tariffs",
    "get /tariffs/{id}/": "Read a tariff",
    "get /tariffs/{id}/ocpi/": "Read a tariff as an OCPI 2.2.1 or 2.3.0 object",
    "get /security-events/": "List security events, newest first",
    "get /firmware-files/": "List firmware files",
    "get /firmware-updates/": "List firmware updates, newest first",
    "get /logs/": "List log files that stations were asked for, newest first",
    "get /station-events/": "List values that stations reported by themselves, newest first",
    "get /incidents/": "List incidents, newest first",
    "get /incidents/{id}/": "Read an incident",
    "post /incidents/{id}/act/": "Acknowledge, resolve, note, snooze or assign an incident",
    "get /on-call/": "Who is on call now",
    "get /notifications/": "List messages to people and systems, newest first",
    "get /notifications/{public_id}/": "Read a message and its attempts",
}

UNITS: Final = {  # by the end of a field's name
    "_mwh": "mWh (1 kWh = 1 000 000 mWh)",
    "_ma": "mA",
    "_mv": "mV",
    "_ms": "milliseconds",
    "_us": "microseconds",
    "_percent": "%",
    "_w": "W",
}

FIELDS: Final = {
    "identity": "How the station names itself: the last part of its WebSocket address.",
    "approval": "`quarantined`: waits for a decision (the dashboard's In quarantine); `accepted`; `rejected`.",
    "password": "Written only. Security profiles 1 and 2; 16 to 40 characters.",
    "shown": "What a person is told: status, link and maintenance together.",
    "public_id": "The session's id in this API and in links.",
    "transaction_id": "What the station calls it; unique within the station only.",
    "id_token": "The token's text as the reader or the app sent it.",
    "group_id": "Tokens of one group may stop each other's sessions and use each other's reservations.",
    "energy_mwh": "Energy of the session so far, mWh (1 kWh = 1 000 000 mWh).",
    "estimated": "The end was never measured: the energy is the last known.",
    "incomplete": "Messages of this session are missing.",
    "replayed": "The station reported it afterwards, from its memory.",
    "closed_by": "Who ended it in our books: the station, the system, an operator.",
    "currency": "ISO 4217.",
    "elements": "Prices as OCPI 2.2.1 says them: `components` (`kind` ENERGY per kWh, TIME and PARKING_TIME per hour, "
    "FLAT per session; `price` and `tax_percent` decimal text; `step` Wh or s) under `restrictions`. Per kind the "
    "first element that holds counts.",
    "idle": "The blocking fee's grace (`grace_minutes` of each stretch), `cap` and night pause "
    "(`pause_from`, `pause_until`).",
    "min_price": "What a session costs at least once energy has flowed, tax included; empty: nothing.",
    "max_price": "What a session costs at most, tax included; empty: no cap.",
    "holidays_of": "Country or part of one whose public holidays count, such as NL or DE-BY.",
    "expires_at": "ISO 8601 with a zone.",
    "evse_id": "eMI3 id, such as NL*ABC*E12345*1.",
}
