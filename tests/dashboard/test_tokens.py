"""The colours can be read: WCAG 2.2, 1.4.3 (words 4.5:1) and 1.4.11 (shapes 3:1), in both themes."""

import re
from pathlib import Path

import pytest

from evcms.templatetags import statuses

CSS = (Path(__file__).resolve().parents[2] / "static/evcms/tokens.css").read_text()
LIGHT = dict(re.findall(r"--ev-([a-z-]+): (#[0-9a-f]{6})", CSS.split("@media")[0]))
DARK = LIGHT | dict(re.findall(r"--ev-([a-z-]+): (#[0-9a-f]{6})", CSS.split("@media")[1]))
THEMES = {"light": LIGHT, "dark": DARK}


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def words():
    for ground in ("bg", "surface", "raised", "sunken"):
        yield from (("text", ground), ("muted", ground), ("accent", ground))
    yield from (("on-accent", "accent"), ("on-accent", "accent-strong"), ("accent", "accent-soft"))
    for hue in statuses.HUES:
        yield from ((f"{hue}-ink", f"{hue}-soft"), (f"{hue}-ink", "surface"), (f"{hue}-ink", "bg"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), list(words()))
def test_words_stand_out_from_their_ground(theme, ink, ground):
    assert contrast(THEMES[theme][ink], THEMES[theme][ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("hue", [*statuses.HUES, "line-strong", "focus"])
def test_shapes_and_borders_of_inputs_stand_out_from_the_page(theme, hue):
    for ground in ("surface", "bg"):
        assert contrast(THEMES[theme][hue], THEMES[theme][ground]) >= 3


def test_the_dark_theme_answers_for_every_colour_of_the_light_one():
    dark_only = dict(re.findall(r"--ev-([a-z-]+): (#[0-9a-f]{6})", CSS.split("@media")[1]))
    assert set(dark_only) == set(LIGHT)
