"""Opening hours as people write them: what is understood, when it is open, what is refused."""

from datetime import datetime

import pytest
from django.core.exceptions import ValidationError

from stations import hours, services
from stations.services.configuration import SITE_FIELDS, plain

MONDAY = datetime(2026, 11, 23)


def at(weekday, hour, minute=0):
    return MONDAY.replace(day=23 + weekday, hour=hour, minute=minute)


@pytest.mark.parametrize("text", ["", "24/7", " 24/7 "])
def test_nothing_said_means_always_open(text):
    assert hours.parse(text).open_at(at(6, 3))


@pytest.mark.parametrize(
    "text",
    ["Mo-Fr 06:00-22:00", "Mon–Fri 6:00–22:00", "monday-friday 06:00 - 22:00", "Mo,Tu,We,Th,Fr 06:00-22:00;"],
)
def test_weekdays_in_several_spellings(text):
    week = hours.parse(text)
    assert week.open_at(at(0, 6))
    assert week.open_at(at(4, 21, 59))
    assert not week.open_at(at(4, 22))
    assert not week.open_at(at(5, 12))
    assert not week.open_at(at(0, 5, 59))
    assert week.grouped() == [(0, 4, [("06:00", "22:00")])]


def test_over_midnight_belongs_to_the_next_day_too():
    week = hours.parse("Su 20:00-02:00")
    assert week.open_at(at(6, 23))
    assert week.open_at(at(0, 1, 59))
    assert not week.open_at(at(0, 2))


def test_two_spans_a_day_and_days_without_any():
    week = hours.parse("Mo-Tu 08:00-12:00, 13:00-24:00; Sa-Mo 07:00-09:00")
    assert week.grouped() == [
        (0, 0, [("07:00", "12:00"), ("13:00", "24:00")]),
        (1, 1, [("08:00", "12:00"), ("13:00", "24:00")]),
        (5, 6, [("07:00", "09:00")]),
    ]
    assert not week.open_at(at(3, 10))


@pytest.mark.parametrize(
    "text", ["ask at the desk", "Mo 25:00-26:00", "Xx 08:00-09:00", "Mo 08:00", "Mo 8:00-8:00", ";"]
)
def test_what_is_no_opening_time_is_refused(text):
    with pytest.raises(ValueError):
        hours.parse(text)
    assert hours.read(text) is None


@pytest.mark.django_db
def test_the_sites_form_says_how_to_write_them(site, owner):
    values = plain(site, SITE_FIELDS)
    with pytest.raises(ValidationError, match="Mo-Fr 06:00-22:00"):
        services.edit_site(access=owner, site=site, values={"opening_hours": "ask at the desk"})
    services.edit_site(access=owner, site=site, values={"opening_hours": "Mo-Sa 07:00-23:00"})
    site.refresh_from_db()
    assert site.opening_hours == "Mo-Sa 07:00-23:00" != values["opening_hours"]
