"""Each component in a real browser, in both themes and at both widths, under the strict Content Security Policy."""

import os
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["operator", "driver", "map"])
@pytest.mark.parametrize("width", [1440, 390])
def test_page_fits_its_width_and_breaks_no_policy(page, server, name, width, scheme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server.url}/{name}")
    if name != "driver":
        page.wait_for_selector("[data-map][data-loaded='12']", state="attached")
    page.wait_for_timeout(400)
    shot(page, f"{name}-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expected = "dark" if scheme == "dark" else "light"
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(246, 247, 249)",
            "dark": "rgb(14, 18, 24)",
        }[expected]
    )
