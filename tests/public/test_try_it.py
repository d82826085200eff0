"""The demo's list of ways to pay; nobody else has such a page."""

import json

import pytest
from django.test import Client

from billing.services import vouchers
from stations.models import Connector

pytestmark = pytest.mark.django_db(transaction=True)


def test_outside_the_demo_there_is_no_such_page():
    assert Client().get("/try/").status_code == 404


def test_the_demo_lists_its_ways_with_what_is_there(settings, tmp_path, owner, connector, tariff):
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    settings.DEMO_DISPLAYS_URL, settings.DEMO_INBOX_URL = "http://127.0.0.1:8030", "http://127.0.0.1:8026"
    Connector.objects.filter(pk=connector.pk).update(code="QWERTZ")
    said = {"password": "pass phrase", "logins": [{"who": "Driver", "email": "driver@x.example"}], "try": "QWERTZ"}
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "logins.json").write_text(json.dumps(said))
    code = vouchers.make_vouchers(access=owner, count=1, value_minor=1000)[0]
    text = Client().get("/try/").text
    assert "Scan and pay" in text
    assert "Plug in first, then pay" in text
    assert "pass phrase" in text
    assert "Tell me when it is free" in text
    assert "Break a charger and watch the incident" in text
    assert "/c/QWERTZ/report" in text
    assert code.spelled in text
    assert f"http://127.0.0.1:8030/{connector.station.identity}" in text


def test_a_demo_that_is_not_planted_yet_still_answers(settings, tmp_path):
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    assert Client().get("/try/").status_code == 200
