"""Figures and states as pages write them."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from alerts.vocabulary import IncidentState, NotificationState, Severity
from billing.vocabulary import (
    BillState,
    CollectionState,
    DebtState,
    DisputeState,
    EnrolmentState,
    MethodState,
    PaymentState,
    PayoutState,
    ReaderState,
    RefundState,
    RunState,
    SetupState,
    StatementState,
)
from evcms.core import clock
from evcms.templatetags import figures, shapes, statuses
from sessions.vocabulary import AttemptState, ReservationState, SessionState, TokenStatus, Verdict
from stations.vocabulary import Approval, CommandState, ConnectorStatus, MessageOutcome, Shown

STATES = [
    member
    for vocabulary in (
        ConnectorStatus,
        Shown,
        Approval,
        CommandState,
        MessageOutcome,
        SessionState,
        TokenStatus,
        Verdict,
        AttemptState,
        ReservationState,
        PaymentState,
        BillState,
        RefundState,
        MethodState,
        SetupState,
        EnrolmentState,
        DebtState,
        CollectionState,
        StatementState,
        DisputeState,
        PayoutState,
        ReaderState,
        RunState,
        IncidentState,
        NotificationState,
        Severity,
    )
    for member in vocabulary
]


def draw(source, **context):
    return Template("{% load evcms %}" + source).render(Context(context))


@pytest.mark.parametrize("state", STATES, ids=lambda state: f"{type(state).__name__}.{state.name}")
def test_every_state_of_our_vocabularies_has_a_shape_of_its_own_making(state):
    assert statuses.look(state).icon != "question-mark"
    assert statuses.look(state.value) == statuses.look(state)


def test_a_word_that_nobody_knows_is_shown_as_it_is():
    html = draw("{% status_badge 'vendor_state' %}")
    assert "Vendor state" in html
    assert "ev-st-offline" in html


def test_a_badge_escapes_what_a_station_sent():
    assert "<script>" not in draw("{% status_badge word %}", word="<script>alert(1)</script>")


@pytest.mark.parametrize(
    ("mwh", "said"),
    [
        (23_410_000, "23.41 kWh"),
        (0, "0.00 kWh"),
        (4_999, "0.00 kWh"),
        (5_000, "0.01 kWh"),
        (1_234_567_890_000, "1,234,567.89 kWh"),
        (-5_000, "-0.01 kWh"),
        (None, "–"),
    ],
)
def test_energy_is_written_in_kilowatt_hours(mwh, said):
    assert figures.kwh(mwh) == said


@pytest.mark.parametrize(
    ("watts", "said"),
    [
        (11_000, "11.0 kW"),
        (11_040, "11.0 kW"),
        (850, "850 W"),
        (412_400, "412 kW"),
        (0, "0.0 kW"),
        (-7_400, "-7.4 kW"),
        (1_250_000, "1.25 MW"),
        (None, "–"),
    ],
)
def test_power_is_written_in_the_unit_that_fits(watts, said):
    assert figures.power(watts) == said


@pytest.mark.parametrize(("watts", "said"), [(22_000, "22 kW"), (7_400, "7.4 kW"), (150_000, "150 kW"), (None, "–")])
def test_what_a_plug_can_deliver_has_no_idle_zeros(watts, said):
    assert figures.rating(watts) == said


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (1173, "EUR", "11.73 €"),
        (1200, "JPY", "1,200 ¥"),
        (1500, "KWD", "1.500 KWD"),
        (-5, "USD", "-0.05 $"),
        (None, "EUR", "–"),
    ],
)
def test_money_has_the_digits_of_its_currency(minor, currency, said):
    assert figures.amount(minor, currency) == said


def test_figures_follow_the_readers_language():
    with translation.override("de"):
        assert figures.amount(123_456, "EUR") == "1.234,56 €"
        assert figures.kwh(23_410_000) == "23,41 kWh"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(35, "35 s"), (48 * 60, "48 min"), (3900, "1 h 05 min"), (183_600, "2 d 3 h"), (None, "–")],
)
def test_a_span_is_said_in_its_two_largest_units(seconds, said):
    assert figures.duration(seconds) == said
    if seconds:
        assert figures.duration(datetime.timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (10, "just now"),
        (240, "4 min ago"),
        (7200, "2 h ago"),
        (86_400, "1 day ago"),
        (200_000, "2 days ago"),
        (-7200, "in 2 h"),
    ],
)
def test_a_moment_is_said_by_its_distance(seconds, said):
    assert figures.ago(clock.now() - datetime.timedelta(seconds=seconds)) == said


def test_nothing_yet_is_never():
    assert figures.ago(None) == "never"


def test_a_moment_carries_the_zone_of_its_site():
    winter = datetime.datetime(2020, 1, 22, 12, 5, tzinfo=datetime.UTC)
    assert figures.at_zone(winter, "Europe/Amsterdam") == "22 Jan 2020, 13:05 CET"
    assert figures.at_zone(winter, ZoneInfo("America/Sao_Paulo")) == "22 Jan 2020, 09:05 UTC-03"


def test_both_hours_of_the_autumn_change_are_told_apart():
    first = datetime.datetime(2020, 10, 25, 0, 30, tzinfo=datetime.UTC)
    again = first + datetime.timedelta(hours=1)
    assert figures.at_zone(first, "Europe/Amsterdam").endswith("02:30 CEST")
    assert figures.at_zone(again, "Europe/Amsterdam").endswith("02:30 CET")


def test_the_unit_of_a_figure_is_set_apart():
    assert draw("{{ mwh|kwh|units }}", mwh=23_410_000) == (
        '<span class="ev-num">23.41 <span class="ev-unit">kWh</span></span>'
    )


def test_a_gap_in_a_sparkline_is_a_gap():
    assert shapes.sparkline([1, 2, None, 4, 5]).count("M") == 4  # two runs, each as area and as line


@pytest.mark.parametrize("values", [[], [None], [7], [0, 0, 0], [-3, 4]])
def test_a_sparkline_stands_any_series(values):
    assert "nan" not in shapes.sparkline(values)


def test_a_stacked_bar_shows_even_the_rarest_state():
    bar = shapes.stacked_bar([("available", 9999), ("faulted", 1), ("offline", 0)], "Connectors")
    assert bar.count("<rect") == 2
    assert 'width="0.800"' in bar


def listing(source, query, **context):
    return draw(source, request=RequestFactory().get("/stations", query), **context)


def test_a_sorted_header_turns_round_and_forgets_the_page():
    html = listing("{% sort_header 'Energy' 'energy' %}", {"sort": "energy", "page": "3", "q": "kade"})
    assert 'aria-sort="ascending"' in html
    assert "sort=-energy" in html
    assert "q=kade" in html
    assert "page=" not in html


def test_pages_and_export_keep_the_filter():
    html = listing("{% pagination page %}", {"q": "kade"}, page=Paginator(range(95), 10).page(3))
    assert "95 rows" in html
    assert "?q=kade&amp;page=4" in html
    assert "?q=kade&amp;export=csv" in html


class Form(forms.Form):
    name = forms.CharField(help_text="As on the sign.")
    ports = forms.IntegerField(min_value=1, required=False)
    secret = forms.CharField(widget=forms.HiddenInput)

    def clean(self):
        raise forms.ValidationError("The station is archived.")


def test_a_form_ties_help_and_errors_to_their_field():
    html = draw("{% form_fields form %}", form=Form({"name": "", "ports": "0", "secret": "s"}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert "The station is archived." in html
    assert 'type="hidden" name="secret"' in html


def test_a_form_without_data_shows_no_errors():
    html = draw("{% form_fields form %}", form=Form())
    assert "ev-error" not in html
    assert "is-invalid" not in html


def test_a_strip_cuts_what_lies_outside_and_keeps_the_shortest_fault_visible():
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    day, second = datetime.timedelta(days=1), datetime.timedelta(seconds=1)
    spans = [
        ("available", start - day, start + day / 2, "Available"),
        ("faulted", start + day / 2, start + day / 2 + second, "Faulted for a second", "/incidents/7"),
        ("offline", start + 2 * day, start + 3 * day, "Not in this picture"),
    ]
    html = draw("{% status_strip spans start end %}", spans=spans, start=start, end=start + day)
    assert 'x="0.00" y="0" width="500.00"' in html
    assert '<a href="/incidents/7"><rect x="500.00" y="0" width="1.50"' in html
    assert "Not in this picture" not in html


@pytest.mark.parametrize(("percent", "rest"), [(62, "38"), (0, "100"), (140, "0"), (-3, "100")])
def test_a_ring_is_never_more_than_full(percent, rest):
    assert f'stroke-dashoffset="{rest}"' in draw("{% ring percent %}", percent=percent)


def test_a_legend_leaves_out_what_there_is_none_of():
    html = draw("{% legend rows %}", rows=[("available", 87, "/stations?status=available"), ("faulted", 0)])
    assert 'href="/stations?status=available"' in html
    assert "Faulted" not in html
