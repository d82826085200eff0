"""Takes the pictures of these guides from a demo that runs (`make demo`) and puts them into docs/guides/pictures:

    python docs/guides/take_pictures.py http://127.0.0.1:8000            # all of them
    python docs/guides/take_pictures.py http://127.0.0.1:8000 review map_de  # these only

Needs Chromium (`EVCMS_CHROMIUM` or on PATH) and the packages for development. Look at each picture afterwards: the demo
lives, and another day shows other things. Pictures are WebP of at most 120 kB, cut to what the text talks about.
"""

import argparse
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PHRASE = "laden-in-marenhaven"  # what the demo prints
DOMAIN = "marenhaven.example"
MOST_BYTES = 120_000
QUALITIES = (80, 70, 60, 50, 40)
MARGIN = 12  # pixels of the page around what is shown
DESK = {"width": 1160, "height": 860}  # narrow enough to be read in a column of text
WALL = {"width": 1600, "height": 900}
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 780}

LOCALES = {"en": "en-GB", "de": "de-DE", "nl": "nl-NL", "fr": "fr-FR", "es": "es-ES"}  # of the drivers' guides

SCALES = {1160: 1.5, 1440: 1.1, 1600: 0.9}  # a picture is at most 1440 pixels wide

Step = Callable[[Page], object]


@dataclass(frozen=True)
class Picture:
    """`parts`: what is shown, together; none: the window. `lowest`: cut there, in pixels from their top."""

    name: str
    who: str  # "" is everybody
    path: str
    parts: tuple[str, ...] = ("main",)
    steps: tuple[Step, ...] = ()
    lowest: int = 820
    window: dict[str, int] | None = None
    afterwards: tuple[Step, ...] = ()
    language: str = "en"

    @property
    def on_phone(self) -> bool:
        return self.window is PHONE


def click(selector: str) -> Step:
    def step(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state("load")

    return step


def fill(selector: str, words: str) -> Step:
    return lambda page: page.locator(selector).first.fill(words)


def pick(selector: str, value: str) -> Step:
    return lambda page: page.locator(selector).first.select_option(value)


def wait(selector: str) -> Step:
    return lambda page: page.locator(selector).first.wait_for()


STATION = click("main table tbody a[href^='/stations/']")  # the first one in the list
CARD = {"email": "driver@example.com", "number": "4242 4242 4242 4242", "expiry": "12 / 30", "cvc": "123"}


def tab(name: str) -> tuple[Step, ...]:
    """One of a station's tabs; all of them are taken of a station where somebody charges."""
    link = f"#station-tab .ev-tabs a:has-text('{name}')"
    return STATION, click(link), wait(f"{link}[aria-current]")


# A driver's way, at the plug that the demo keeps for visitors


def to_the_plug(page: Page) -> None:
    """From the demo's page of things to try; the charger's front is kept with the tab."""
    front = page.locator("a:has-text('The front of')").first.get_attribute("href")
    page.evaluate("front => sessionStorage.setItem('front', front)", front)
    page.locator("a[href^='/c/']").first.click()
    page.wait_for_load_state("load")


def at_the_front(page: Page, act: str) -> None:
    front = page.evaluate("sessionStorage.getItem('front')")
    page.request.post(f"{front}/1/{act}")


def pay_and_plug_in(page: Page) -> None:
    to_the_plug(page)
    page.click("form[action$='/pay'] button")
    page.wait_for_selector("#number")
    for name, value in CARD.items():
        page.fill(f"#{name}", value)
    page.click("button[type=submit]")
    page.wait_for_url("**/s/*")
    at_the_front(page, "plug")
    page.wait_for_selector(STOP)
    page.wait_for_timeout(CHARGED_S * 1000)


def stop(page: Page) -> None:
    page.click(STOP)
    page.click("[data-dialog-yes]")
    page.wait_for_selector(STOP, state="detached")
    at_the_front(page, "unplug")


def open_receipt(page: Page) -> None:
    page.wait_for_selector("main a[href^='/r/']")
    page.locator("main a[href^='/r/']").first.click()
    page.wait_for_load_state("load")


def state_last_month(page: Page) -> None:
    """The same month twice is the same statement."""
    last = date.today().replace(day=1) - timedelta(days=1)  # noqa: DTZ011 - a month of the demo's own clock
    page.fill("[name=month]", f"{last:%Y-%m}")
    page.click("button:has-text('Make it')")
    page.wait_for_load_state("load")


def simulate(page: Page) -> None:
    page.locator("select[name=tariff]").select_option(index=2)
    page.click("button:has-text('Simulate')")
    page.wait_for_selector("text=Revenue by the hour", timeout=60_000)


STOP = "form[action$='/stop'] button"
CHARGED_S = 45  # until there is something to see
CHARGING = "/stations/?status=charging"

STAFF = (
    # operators
    Picture("overview", "owner", "/", lowest=760),
    Picture("wall", "owner", "/?wall=1", (), window=WALL),
    Picture("stations", "operator", "/stations/", lowest=660),
    Picture(
        "bulk",
        "operator",
        CHARGING,
        steps=(
            click("#bulk [name=all]"),
            pick("#bulk-kind", "reset_hard"),
            click("#bulk button:has-text('Preview')"),
        ),
        lowest=760,
    ),
    Picture("import", "operator", "/setup/stations/import/", lowest=720),
    Picture("funnel", "operator", "/analytics/success/", ("[aria-labelledby=funnel-title]",), lowest=900),
    Picture("attempt", "operator", "/attempts/?party=station", steps=(click("main tbody a.ev-strong"),), lowest=900),
    Picture("review", "operator", "/review/", lowest=480),
    Picture("usage", "operator", "/analytics/usage/", ("section:has(h2:text('When?'))",), lowest=900, window=WIDE),
    Picture("availability", "operator", "/analytics/availability/", lowest=900),
    Picture("statements", "operator", "/analytics/availability/statements/", steps=(state_last_month,), lowest=620),
    Picture("bottlenecks", "operator", "/analytics/bottlenecks/", lowest=1000),
    Picture("planner", "owner", "/planner/", steps=(click("main tbody a:has-text('P+R')"),), lowest=900, window=WIDE),
    Picture("incidents", "operator", "/incidents/", lowest=640),
    # technicians
    Picture("station", "technician", CHARGING, steps=(STATION,), lowest=860),
    Picture("power", "technician", CHARGING, ("#station-tab",), tab("Power"), lowest=620),
    Picture("health", "technician", CHARGING, ("#station-tab",), tab("Health"), lowest=560),
    Picture("messages", "technician", CHARGING, ("#station-tab",), tab("Messages"), lowest=560),
    Picture(
        "commands",
        "technician",
        CHARGING,
        ("#station-tab",),
        (*tab("Commands"), fill("#station-tab input[type=search]", "restart"), click("#operation-reset summary")),
        lowest=560,
    ),
    Picture("connections", "technician", CHARGING, ("#station-tab",), tab("Connection history"), lowest=520),
    # finance
    Picture("proof", "finance", "/money/proof/", lowest=1060, window=WIDE),
    Picture("payment", "finance", "/money/?state=captured", steps=(click("main tbody a"),), lowest=900),
    Picture("tariff", "finance", "/tariffs/", steps=(click("main h2 a[href^='/tariffs/']"),), lowest=900, window=WIDE),
    Picture("simulation", "finance", "/tariffs/simulations/", steps=(simulate,), lowest=900, window=WIDE),
    Picture("disputes", "finance", "/money/disputes/", lowest=520, window=WIDE),
)
DRIVERS = (
    Picture("map", "", "/map", (), window=PHONE),
    Picture(
        "site",
        "",
        "/map",
        ("section:has(.ev-popular)",),
        (click("main a[href^='/map/']:has-text('P+R')"),),
        window=PHONE,
    ),
    Picture("connector", "", "/try/", (), (to_the_plug,), window=PHONE),
    Picture("live", "", "/try/", ("main",), (pay_and_plug_in,), 760, PHONE, (stop,)),
    Picture("receipt", "", "/try/", ("main",), (pay_and_plug_in, stop, open_receipt), 760, PHONE),
    Picture("account", "driver", "/account/", ("main",), (), 800, PHONE),
)


def in_languages(picture: Picture) -> Iterator[Picture]:
    """What a driver reads about he sees in his language; the English one has the plain name."""
    for language in LOCALES:
        name = picture.name if language == "en" else f"{picture.name}_{language}"
        yield replace(picture, name=name, language=language)


ALL = (*STAFF, *(each for picture in DRIVERS for each in in_languages(picture)))


@contextmanager
def visitor(browser: Browser, base: str, picture: Picture) -> Iterator[Page]:
    """A tab of the one whom the picture is of."""
    phone = picture.on_phone
    context = browser.new_context(
        viewport=picture.window or DESK,  # type: ignore[arg-type]
        device_scale_factor=2 if phone else SCALES[(picture.window or DESK)["width"]],
        locale=LOCALES[picture.language],
        timezone_id="Europe/Amsterdam",
        reduced_motion="reduce",
        is_mobile=phone,
        has_touch=phone,
        base_url=base,
    )
    if picture.who:
        enter(context, picture.who)
    yield context.new_page()
    context.close()


def enter(context: BrowserContext, who: str) -> None:
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", f"{who}@{DOMAIN}")
    page.fill("[name=password]", PHRASE)
    page.click("main button[type=submit]")
    page.wait_for_load_state("load")
    page.close()


def cut(page: Page, picture: Picture) -> dict[str, float] | None:
    """The smallest part of the page that holds all parts, with a margin."""
    if not picture.parts:
        return None
    boxes = [box for part in picture.parts if (box := page.locator(part).first.bounding_box())]
    if len(boxes) < len(picture.parts):
        raise SystemExit(f"{picture.name}: not all of {picture.parts} are on {page.url}")
    width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    margin = 0 if picture.parts == ("main",) else MARGIN  # it has its own
    left = max(0, min(box["x"] for box in boxes) - margin)
    top = max(0, min(box["y"] for box in boxes) - margin)
    right = min(width, max(box["x"] + box["width"] for box in boxes) + margin)
    bottom = min(height, max(box["y"] + box["height"] for box in boxes) + margin, top + picture.lowest)
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def keep(picture: Picture, shot: bytes) -> int:
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    path = PICTURES / f"{picture.name}.webp"
    for quality in QUALITIES:
        image.save(path, "WEBP", quality=quality, method=6)
        if path.stat().st_size < MOST_BYTES:
            return path.stat().st_size
    raise SystemExit(f"{picture.name} is larger than {MOST_BYTES} bytes at any quality: cut it")


def take(browser: Browser, base: str, picture: Picture) -> None:
    with visitor(browser, base, picture) as page:
        page.goto(picture.path)
        for step in picture.steps:
            step(page)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(800)  # maps and charts draw themselves
        page.evaluate("window.scrollTo(0, 0)")
        clip = cut(page, picture)
        shot = page.screenshot(full_page=bool(clip), clip=clip)  # type: ignore[arg-type]
        for step in picture.afterwards:
            step(page)
    print(f"{picture.name}: {keep(picture, shot) / 1000:.0f} kB")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("address", help="of the demo")
    asked.add_argument("names", nargs="*", help="of pictures; none: all")
    said = asked.parse_args()
    chromium = os.environ.get("EVCMS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture in ALL:
            if not said.names or picture.name in said.names:
                take(browser, said.address, picture)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
