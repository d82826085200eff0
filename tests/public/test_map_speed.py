"""The map page on a slow line and phone, with ten thousand stations: what it weighs and how soon it can be used."""

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.testcases import LiveServerThread

from tests.public.big import country
from tests.public.test_map import price

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.long]
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
DATA = ("points.geojson", "streets.geojson")  # and tiles: what the weight is before


@pytest.fixture
def as_delivered(settings, tmp_path, transactional_db):
    """A server with the files as an installation serves them: named by content, compressed, kept."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    settings.DEBUG = False
    call_command("collectstatic", interactive=False, verbosity=0)
    thread = LiveServerThread("127.0.0.1", static_handler=lambda app: app)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()
    connections.close_all()


def test_the_map_is_light_and_soon_there(browser, as_delivered, organization, gateway, settings):
    country(organization, gateway, 10_000)
    price(organization, "0.49")
    settings.MAP_FRESH_SECONDS = 60
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    context.new_page().goto(f"{as_delivered}/map")  # the process has read its network
    context.close()

    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    names, weight = {}, {}
    wire.on("Network.responseReceived", lambda said: names.update({said["requestId"]: said["response"]["url"]}))
    wire.on("Network.loadingFinished", lambda said: weight.update({said["requestId"]: said["encodedDataLength"]}))
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", LINE)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(f"{as_delivered}/map", wait_until="commit")
    page.wait_for_selector("[data-map][data-loaded] .leaflet-marker-icon", timeout=60_000)
    usable = page.evaluate("performance.now()")
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.wait_for_timeout(1000)
    ours = {
        names.get(key, "?"): size for key, size in weight.items() if not names.get(key, "").endswith("streets.geojson")
    }
    page_weight = sum(size for url, size in ours.items() if not any(part in url for part in DATA))
    for url, size in sorted(ours.items(), key=lambda row: -row[1]):
        print(f"{size:>7} {url.removeprefix(as_delivered)[:90]}")
    print(f"list readable {painted:.0f} ms, map usable {usable:.0f} ms, {page_weight / 1000:.0f} kB before data")
    context.close()
    assert page_weight < 200_000
    assert painted < 1500
    assert usable < 3000
