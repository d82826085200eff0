"""A simulated charger on the real door brings its log to the real web door and fetches its firmware there."""

import asyncio
import threading

import pytest

from evcms.simulator.chargers import Options, make_charger
from evcms.simulator.fleet import FleetConnector, FleetStation
from stations import commands, files, services
from stations.models import FirmwareUpdate, LogUpload, SecurityEvent, Site, Station
from stations.vocabulary import Approval, SecurityProfile
from tests.fixtures.processes import until
from tests.ocpp.door import opened
from tests.ocpp.messages.talk import PROTOCOLS
from tests.stations.conftest import make_access, organization  # noqa: F401

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]


class Street:
    """One charger on an event loop of its own thread."""

    def __init__(self, url, protocol):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        station = FleetStation("CP-1", protocol, "", (FleetConnector(1),), firmware="1.0.0")
        options = Options(tick_s=0.05, reboot_s=0.1, backoff_s=0.05)
        self.charger = self.do(self._made(station, url, options))
        self.do(self.charger.connect())

    async def _made(self, station, url, options):
        return make_charger(station, url, options)

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self):
        self.do(self.charger.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


@pytest.fixture(params=PROTOCOLS)
def street(request, organization, redis_url, live_server, settings, tmp_path):  # noqa: F811
    settings.FILES_DIR, settings.STATIONS_URL = tmp_path / "files", live_server.url
    site = Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)
    Station.objects.create(
        organization=organization, site=site, identity="CP-1", approval=Approval.ACCEPTED,
        security_profile=SecurityProfile.NONE,
    )  # fmt: skip
    with opened() as door:
        street = Street(door.url, request.param)
        yield street
        street.close()


def tell(command):
    return services.send(station=Station.objects.get(), command=command, origin="test")


def test_log_and_firmware_come_and_go_by_our_own_doors(street, organization):  # noqa: F811
    tell(commands.GetLog(5))
    until(lambda: LogUpload.objects.filter(path__gt="").exists(), what="the log")
    until(lambda: LogUpload.objects.get().last_status == "Uploaded", what="the station's word")
    upload = LogUpload.objects.get()
    assert upload.state == "uploaded"
    assert upload.file_name == "CP-1-diagnostics.log"
    assert b"# diagnostics of CP-1, firmware 1.0.0" in files.whole_path(upload.path).read_bytes()

    keeper = make_access(organization, email="keeper@volt.example")
    values = {"name": "Duo", "version": "2.0.0"}
    file = services.add_firmware(access=keeper, values=values, chunks=[b"FW version=2.0.0 "], file_name="duo.bin")
    tell(commands.UpdateFirmware(6, file_id=file.pk))
    until(lambda: FirmwareUpdate.objects.get().state == "installed", what="the update")
    until(lambda: SecurityEvent.objects.filter(type="FirmwareUpdated").exists(), what="the security event")
    assert Station.objects.get().firmware_version == "2.0.0"
    update = FirmwareUpdate.objects.get()
    assert (update.version_before, update.file) == ("1.0.0", file)
