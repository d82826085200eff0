"""Every class of ours that a template uses has a style in a sheet that its page loads."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES, STYLES = settings.BASE_DIR / "templates", settings.BASE_DIR / "static" / "evcms"
EVERYWHERE = ("tokens.css", "components.css")
OPERATORS = (*EVERYWHERE, "operator.css", "dashboard.css")
DRIVERS = (*EVERYWHERE, "driver.css")
HOOKS = {"ev-reader", "ev-members"}  # found by scripts and tests, drawn by their parents


def _defined(names):
    return {found for name in names for found in re.findall(r"\.(ev-[\w-]+)", (STYLES / name).read_text())}


def _used(path):
    words = re.sub(r"{%.*?%}|{{.*?}}", " ", " ".join(re.findall(r'class="([^"]*)"', path.read_text())))
    return {word for word in words.split() if word.startswith("ev-") and not word.endswith("-")}


def _pages(*folders):
    return [
        path for folder in folders for path in sorted((TEMPLATES / folder).rglob("*.html")) if "mail" not in path.parts
    ]


def _ids(path):
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", _pages("billing", "dashboard", "stations", "sessions", "alerts"), ids=_ids)
def test_an_operators_page_uses_only_styles_that_it_loads(path):
    own = set(re.findall(r"evcms/([\w-]+\.css)", path.read_text()))
    if path.name.startswith("_"):  # a part: drawn by a page that brings what the part needs
        own = {sheet.name for sheet in STYLES.glob("*.css") if sheet.name not in ("driver.css", "account.css")}
    elif "base/message.html" in path.read_text() or "public/base.html" in path.read_text():
        own |= set(DRIVERS)
    assert _used(path) - _defined({*OPERATORS, *own, "chart.css", "map.css"}) - HOOKS == set()


@pytest.mark.parametrize("path", _pages("public"), ids=_ids)
def test_a_drivers_page_uses_only_styles_that_it_loads(path: Path):
    own = set(re.findall(r"evcms/([\w-]+\.css)", path.read_text()))
    assert _used(path) - _defined({*DRIVERS, *own, "map.css"}) - HOOKS == set()
