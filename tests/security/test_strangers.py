"""Every door, tried by those whom it should keep out: nobody, another organization, another site, another role.

Three networks stand side by side: OKAPI is mine, ZEBRA another site of my organization, QUAGGA another organization.
"""

from copy import deepcopy
from functools import cache

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.urls import URLPattern, get_resolver, reverse
from rest_framework.test import APIClient

from evcms.core.access import PERMISSIONS, Permission, Role
from evcms.core.models import AuditEntry, User
from evcms.core.services import create_token
from tests.fixtures.database import kept
from tests.security.doors import ANYBODY, API, KEY, MEMBER, PAGES, SOCKETS
from tests.security.networks import browser_of, networks
from tests.stations.conftest import make_access

OURS = ("core", "stations", "charging", "billing", "alerts")
NOT_DATA = {"core.AuditEntry"}
SEEN = {"last_login", "last_used_at"}
ACCOUNTS = ("account_", "mfa_", "admin:")
PROTECTED = {name: door for name, door in PAGES.items() if door.needs in (MEMBER, *Permission)}
LOCKED = {name: door for name, door in PROTECTED.items() if door.rows}


def patterns(tree=None, prefix="", namespace=""):
    for each in get_resolver().url_patterns if tree is None else tree:
        if isinstance(each, URLPattern):
            yield namespace + (each.name or f"?{prefix}{each.pattern}"), each
        else:
            inner = namespace + (f"{each.namespace}:" if each.namespace else "")
            yield from patterns(each.url_patterns, prefix + str(each.pattern), inner)


def actions():
    """(name of a REST route, HTTP method) for each that exists."""
    for name, pattern in patterns():
        for method in getattr(pattern.callback, "actions", {}) if name in API else ():
            if method != "head":
                yield name, method


@pytest.fixture(scope="module")
def built(django_db_setup, django_db_blocker):
    """The three networks, made once; each test undoes only what it did itself."""
    with kept(django_db_blocker, networks) as made:
        yield made


@pytest.fixture
def worlds(built, db):
    return deepcopy(built)


def partner_of(access):
    client = APIClient(raise_request_exception=False)
    if access:
        _token, secret = create_token(membership=access.membership, name="test", scopes=list(Permission))
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def knock(client, name, door, holdings, *, method=None, data=None, watch=True):
    """The answer, as if it had never been asked: whatever it did is rolled back.

    Reading all rows costs more than most pages, so that happens when something was written at all.
    """
    url = reverse(name, kwargs=door.kwargs(holdings)) + (f"?{door.query}" if door.query else "")
    method = method or ("post" if door.post else "get")
    content = {"format": "json"} if isinstance(client, APIClient) else {}
    with transaction.atomic():
        written = rows_written()
        answer = getattr(client, method)(url, dict(door.data if data is None else data), **content)
        answer.body = read(answer)
        answer.changed = stored() if watch and rows_written() != written else None
        transaction.set_rollback(True)
    return answer


def read(answer):
    return (b"".join(answer) if answer.streaming else answer.content).decode("utf-8", "replace")


def rows_written():
    """How many rows this link to the (SQLite) database inserted, updated or deleted."""
    return connection.connection.total_changes


def stored():
    """All rows of ours as the database keeps them; when somebody was last seen does not count."""
    with connection.cursor() as cursor:
        return {table: cursor.execute(asked).fetchall() for table, asked in questions().items()}


@cache
def questions():
    """A plain SELECT for each table: the ORM takes twenty times as long to write them and to read the answers."""
    found = {}
    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        names = [field.column for field in model._meta.concrete_fields if field.name not in SEEN]
        if model._meta.label not in NOT_DATA:
            columns, key = ", ".join(f'"{name}"' for name in names), model._meta.pk.column
            found[model._meta.db_table] = f'SELECT {columns} FROM "{model._meta.db_table}" ORDER BY "{key}"'
    return found


def test_every_url_pattern_has_an_entry():
    names = {name for name, _pattern in patterns()}
    ours = {name for name in names if not name.startswith(ACCOUNTS)}
    assert ours - set(PAGES) - set(API) == set(), "Say in tests/security/doors.py who may pass these doors."
    assert (set(PAGES) | set(API)) - ours == set(), "These doors are gone."


def test_every_live_path_has_an_entry():
    from evcms.dashboard.routing import websocket_urlpatterns as operators
    from evcms.public.routing import websocket_urlpatterns as drivers

    assert {str(each.pattern) for each in [*operators, *drivers]} == set(SOCKETS)


def complaints(answer, holdings, before, *, kept_out):
    """What is wrong with an answer to a stranger; the words of the question itself are no leak."""
    asked = answer.request["PATH_INFO"] + answer.request.get("QUERY_STRING", "")
    wrong = [f"leaks {secret}" for secret in holdings.leaks(answer.body) if secret not in asked]
    if answer.status_code >= 500 or (kept_out and answer.status_code not in kept_out):
        wrong.append(answer.status_code)
    if kept_out and answer.changed not in (None, before):
        wrong.append("changed rows")
    return wrong


# Nobody ------------------------------------------------------------------------------------------------------------


def test_nobody_is_sent_to_the_login(worlds):
    wrong, before, nobody = {}, stored(), browser_of(None)
    for name, door in PROTECTED.items():
        for method in ("get", "post"):
            answer = knock(nobody, name, door, worlds["OKAPI"], method=method)
            found = complaints(answer, worlds["OKAPI"], before, kept_out=(302, 405))
            if answer.status_code == 302 and not answer["Location"].startswith(("/accounts/login/", "/map")):
                found.append(answer["Location"])
            if found:
                wrong[name, method] = found
    assert wrong == {}


def test_nobody_gets_nothing_from_the_api(worlds):
    wrong, before = {}, stored()
    for name, method in sorted(set(actions())):
        answer = knock(partner_of(None), name, API[name], worlds["OKAPI"], method=method)
        if found := complaints(answer, worlds["OKAPI"], before, kept_out=(401,)):
            wrong[name, method] = found
    assert wrong == {}


def test_public_pages_tell_nothing_of_a_site_that_is_not_public(worlds):
    wrong, before = {}, stored()
    for name, door in PAGES.items():
        if door.needs == ANYBODY and name != "healthz":
            answer = knock(browser_of(None), name, door, worlds["OKAPI"])
            of_a_site = door.rows and name != "public:guide"  # a guide is everybody's
            if found := complaints(answer, worlds["OKAPI"], before, kept_out=(404,) if of_a_site else ()):
                wrong[name] = found
    assert wrong == {}


@pytest.mark.parametrize("name", [name for name, door in PAGES.items() if door.needs == KEY])
def test_public_links_cannot_be_guessed(name, worlds):
    """128 bits at least; the row's number, an empty or a cut key open nothing."""
    door, rows = PAGES[name], worlds["OKAPI"].rows
    [(argument, row, attribute)] = door.rows
    key = getattr(getattr(rows, row), attribute)
    assert len(key) >= 22
    method = "post" if door.post else "get"
    with transaction.atomic():
        known = getattr(browser_of(None), method)(reverse(name, kwargs={argument: key}))
        assert known.status_code in (200, 302, 422)  # 422: the page again, with what an empty form lacks
        transaction.set_rollback(True)
    for wrong in (key[:-1], key.swapcase(), str(getattr(rows, row).pk), "a", key + "a"):
        answer = getattr(browser_of(None), method)(reverse(name, kwargs={argument: wrong}))
        assert answer.status_code == 404, wrong
        assert not worlds["OKAPI"].leaks(answer.content.decode())


def test_keys_differ_from_row_to_row(worlds):
    keys = [
        key
        for mark in ("OKAPI", "ZEBRA", "QUAGGA")
        for rows in [worlds[mark].rows]
        for key in (rows.session.public_id, rows.payment.public_id, rows.receipt.public_id, rows.subscription.token)
    ]
    assert len(set(keys)) == len(keys)


# Another organization, another site --------------------------------------------------------------------------------

WHOLE = ("station-import-run", "collection", "quarantine", "firmware-", "account-", "statement", "voucher-")
SHARED = {
    "customers",  # their filters offer the organization's tariffs
    "insight",
    "drivers",
    "groups",
    "tokens",
    "token-create",
    "tariffs",
    "simulations",
    "alert-contacts",
    "on-call",
    "schedule-create",
    "policy-create",
    "alert-rule-new",  # offers the chains, too
    "members",
    "api-tokens",
    "api:token-list",
    "api:tariff-list",
    "api:on-call-list",
}


def test_another_organization_sees_nothing_of_mine(worlds):
    wrong, before, rival = {}, stored(), browser_of(worlds["rival"])
    for name, door in PROTECTED.items():
        for method in {"post"} if door.post else {"get", "post"} if door.rows else {"get"}:
            answer = knock(rival, name, door, worlds["OKAPI"], method=method)
            kept_out = (404, 405) if door.rows else ()
            if found := complaints(answer, worlds["OKAPI"], before, kept_out=kept_out):
                wrong[name, method] = found
    assert wrong == {}


def test_a_member_of_one_site_sees_nothing_of_the_other(worlds):
    """What belongs to the organization and to no site (tokens, tariffs, people) is everybody's."""
    wrong, before, limited = {}, stored(), browser_of(worlds["limited"])
    for name, door in PROTECTED.items():
        if door.level == "site" and name not in SHARED:
            answer = knock(limited, name, door, worlds["ZEBRA"], watch=bool(door.rows))
            if found := complaints(answer, worlds["ZEBRA"], before, kept_out=(404,) if door.rows else ()):
                wrong[name] = found
    assert wrong == {}


def test_my_own_people_get_in(worlds):
    """Else the tests above would pass on broken pages."""
    wrong = {}
    for who in ("owner", "limited"):
        browser = browser_of(worlds[who])
        for name, door in LOCKED.items():
            if who == "limited" and any(part in name for part in WHOLE):
                continue  # strangers, and money of the organization as a whole: only members of all sites
            answer = knock(browser, name, door, worlds["OKAPI"], watch=False)
            if answer.status_code not in (200, 302, 422):
                wrong[who, name] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("who", ["rival", "limited"])
def test_the_api_gives_strangers_nothing(who, worlds):
    holdings, partner = worlds["ZEBRA" if who == "limited" else "OKAPI"], partner_of(worlds[who])
    wrong, before = {}, stored()
    for name, method in sorted(set(actions())):
        door = API[name]
        if who == "limited" and (door.level != "site" or name in SHARED):
            continue
        data = {"operation": "clear-cache", "params": {}} if name == "api:station-commands" else {"label": "stolen"}
        answer = knock(partner, name, door, holdings, method=method, data=data if method != "get" else {})
        if found := complaints(answer, holdings, before, kept_out=(404,) if door.rows else ()):
            wrong[name, method] = found
    assert wrong == {}


@pytest.mark.parametrize("who", ["rival", "limited"])
def test_asking_for_what_is_not_theirs_is_audited_once_an_hour(who, worlds):
    rows = worlds["OKAPI" if who == "rival" else "ZEBRA"].rows
    access, paths = worlds[who], [f"/stations/{rows.station.identity}/", f"/api/v1/sessions/{rows.session.public_id}/"]
    for _again in range(3):
        browser_of(access).get(paths[0])
        partner_of(access).get(paths[1])
        browser_of(access).get("/no/such/page/")
    entries = AuditEntry.objects.filter(action="access.refused").order_by("pk")
    assert [entry.object_label for entry in entries] == paths
    assert {entry.organization for entry in entries} == {access.organization}
    assert all(entry.detail == {"method": "GET", "status": 404} for entry in entries)


# Each role ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_in_where_it_may_and_is_refused_elsewhere(role, worlds):
    member = browser_of(make_access(worlds["owner"].organization, role, email="somebody@mine.example"))
    wrong, before = {}, stored()
    turn = list(Role).index(role)
    for place, (name, door) in enumerate(PROTECTED.items()):
        may = door.needs == MEMBER or door.needs in PERMISSIONS[role]
        if may and (place + turn) % 3:
            continue  # an open door costs a page: each role opens a third of its own, all together each one
        answer = knock(member, name, door, worlds["OKAPI"], watch=not may)
        if answer.status_code >= 500 or may == (answer.status_code == 403):
            wrong[name] = answer.status_code
        if not may and answer.changed not in (None, before):
            wrong[name] = "changed something"
    assert wrong == {}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_writes_through_the_api_what_it_may(role, worlds):
    partner = partner_of(make_access(worlds["owner"].organization, role, email="somebody@mine.example"))
    wrong = {}
    for name, method in sorted(set(actions())):
        answer = knock(partner, name, API[name], worlds["OKAPI"], method=method, data={}, watch=False)
        may = (Permission.VIEW if method == "get" else API[name].needs) in PERMISSIONS[role]
        if answer.status_code >= 500 or may == (answer.status_code == 403):
            wrong[name, method] = answer.status_code
    assert wrong == {}


# Strangers' numbers inside forms and filters -----------------------------------------------------------------------

FILTERS = (
    "stations",
    "sessions",
    "attempts",
    "success",
    "incidents",
    "tokens",
    "maintenance",
    "availability",
    "money",
    "sites",
    "search",
    "audit",
)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("export", ["", "csv"])
def test_filters_and_exports_find_nothing_of_strangers(name, export, worlds):
    rows = worlds["OKAPI"].rows
    for question in (f"site={rows.site.pk}", f"station={rows.station.identity}", "q=driver.example", "q=ID-1", "q=OKA"):
        url = f"{reverse(name)}?{question}&export={export}&format={export}"
        answer = browser_of(worlds["rival"]).get(url)
        text = read(answer)
        assert answer.status_code < 500
        assert not [secret for secret in worlds["OKAPI"].leaks(text) if secret not in url], question


def smuggled(rows):
    """Forms of my own that name a stranger's row."""
    window = {"title": "x", "starts_at": "2030-01-01T10:00", "ends_at": "2030-01-01T12:00"}
    return [
        ("station-create", {}, {"identity": "NEW-1", "site": rows.site.pk, "security_profile": 1}),
        ("maintenance-create", {}, window | {"site": rows.site.pk}),
        ("maintenance-create", {}, window | {"station": rows.station.pk}),
        ("token-create", {}, {"value": "AB12", "type": "ISO14443", "status": "accepted", "driver": rows.driver.pk}),
        ("alert-contacts", {}, {"remove": rows.contact.pk}),
    ]


@pytest.mark.parametrize("who", ["rival", "limited"])
def test_forms_do_not_take_rows_of_strangers(who, worlds):
    rows = worlds["OKAPI" if who == "rival" else "ZEBRA"].rows
    before = stored()
    for name, kwargs, data in smuggled(rows):
        if who == "limited" and name in ("token-create", "alert-contacts"):
            continue  # of the whole organization
        with transaction.atomic():
            answer = browser_of(worlds[who]).post(reverse(name, kwargs=kwargs), data)
            assert answer.status_code < 500
            assert stored() == before, (name, data)
            transaction.set_rollback(True)


def test_a_tariff_is_not_assigned_to_a_strangers_site(worlds):
    mine, theirs, before = worlds["QUAGGA"].rows, worlds["OKAPI"].rows, stored()
    for name in ("site", "station", "connector"):
        answer = browser_of(worlds["rival"]).post(
            reverse("tariff-assign", args=[mine.tariff.pk]), {"where": name, name: getattr(theirs, name).pk}
        )
        assert answer.status_code < 500
        assert stored() == before


def test_nobody_switches_to_an_organization_of_others(worlds):
    client = browser_of(worlds["rival"])
    client.post(reverse("switch-organization"), {"organization": worlds["owner"].organization.pk})
    assert not worlds["OKAPI"].leaks(client.get("/stations/").content.decode())


@pytest.mark.parametrize("who", ["rival", "limited"])
def test_the_api_does_not_take_rows_of_strangers(who, worlds):
    rows = worlds["OKAPI" if who == "rival" else "ZEBRA"].rows
    partner = partner_of(worlds[who])
    before = stored()
    wishes = [
        ("api:station-list", {"identity": "NEW-1", "site_id": rows.site.pk}),
        (
            "api:reservation-list",
            {"station": rows.station.identity, "id_token": "A", "expires_at": "2030-01-01T00:00Z"},
        ),
    ]
    for name, wish in wishes:
        answer = partner.post(reverse(name), wish, format="json")
        assert answer.status_code in (400, 404), (name, answer.status_code)
        assert stored() == before


# Staff's pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [None, "owner", "rival"])
def test_the_admin_is_for_staff(who, worlds):
    client = browser_of(worlds[who] if who else None)
    for name, pattern in patterns():
        if not name.startswith("admin:") or name.removeprefix("admin:") in ("login", "logout", "jsi18n"):
            continue
        converters = pattern.pattern.converters
        url = reverse_admin(name, converters) if not name.startswith("admin:?") else None
        if url is None:
            continue
        for answer in (client.get(url), client.post(url)):
            assert answer.status_code in (302, 403, 404), (name, answer.status_code)
            assert "/admin/login/" in answer.get("Location", "/admin/login/"), name
            for mark in ("OKAPI", "QUAGGA"):
                assert not worlds[mark].leaks(answer.content.decode())


def test_the_admin_has_no_login_of_its_own(worlds):
    """Django's would let a password alone pass, without the second factor and without limits on guessing."""
    User.objects.create_superuser("root@mine.example", "pw")
    client = browser_of(None)
    answer = client.post("/admin/login/", {"username": "root@mine.example", "password": "pw"})
    assert answer["Location"].startswith("/accounts/login/")
    assert client.get("/admin/").status_code == 302


def reverse_admin(name, converters):
    try:
        return reverse(name, kwargs=dict.fromkeys(converters, "1"))
    except Exception:  # regular expressions with arguments of their own
        return None
