"""A tariff as it stands in the editor, judged: what it costs, what is odd about it, where it would hold."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing import lint_words, lookup, regions, rule_words, week_strip, wording
from billing.lint_words import Said
from billing.linter import FAST_KW, Level, Setting, lint
from billing.models import Bill, Tariff, TariffAssignment
from billing.periods import stored_periods
from billing.pricing import MWH_PER_KWH, Priced, example, price
from billing.tariff_forms import Charge, Editor
from billing.terms import Terms
from billing.week_strip import Strip
from billing.wording import CostLine, PriceLine
from evcms.core import clock
from evcms.core.access import Access
from evcms.core.figures import amount, unit_price
from stations.queries import connectors, visible_sites

ENOUGH = 20  # past sessions that make a percentile worth saying
SAMPLE = 200
PERCENTILE = 95
LIKELY_KWH = {True: 60, False: 40}  # a full charge: at a fast charger, at a slow one
MOST_KW = {True: 150, False: 11}  # what cars draw there


@dataclass(frozen=True)
class Surroundings:
    """Where a tariff holds, or will."""

    time_zone: str
    countries: frozenset[str]
    fast_connectors: int = 0
    largest_w: int = 0


@dataclass
class Live:
    """All that the editor shows beside the fields. `problem`: why there is no bill yet."""

    problem: str = ""
    sentences: dict[int, str] = field(default_factory=dict)
    findings: list[Said] = field(default_factory=list)
    lines: list[PriceLine] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    example: str = ""
    hold: str = ""
    bill: list[CostLine] = field(default_factory=list)
    total: str = ""
    tax: str = ""
    begins: str = ""
    strips: list[Strip] = field(default_factory=list)
    strips_are_for: str = ""  # in which circumstances, when these matter

    @property
    def whole(self) -> list[Said]:
        return [each for each in self.findings if each.element is None]

    def of_rule(self, index: int) -> list[Said]:
        return [each for each in self.findings if each.element == index]

    @property
    def errors(self) -> list[Said]:
        return [each for each in self.findings if each.level == Level.ERROR]


def surroundings(access: Access, tariff: Tariff | None) -> Surroundings:
    """At most 4 queries. The law is about ad-hoc prices at public points: not those of a driver group."""
    sites = visible_sites(access).filter(archived_at=None)
    found = sites.values_list("time_zone", "country")
    countries = frozenset(country for _zone, country in found) | {access.organization.country}
    zones = [zone for zone, _country in found] or [access.organization.time_zone]
    zone = max(sorted(set(zones)), key=zones.count)
    if tariff is None:
        return Surroundings(zone, countries)
    rows = list(tariff.assignments.exclude(valid_until__lte=clock.now()))
    here = connectors(access).filter(_places(rows, tariff))
    ad_hoc = here.filter(_places([row for row in rows if row.group_id is None], tariff), station__site__public=True)
    return Surroundings(
        time_zone=zone,
        countries=countries,
        fast_connectors=ad_hoc.filter(max_power_w__gte=FAST_KW * 1000).count(),
        largest_w=here.aggregate(largest=Max("max_power_w"))["largest"] or 0,
    )


def _places(rows: Iterable[TariffAssignment], tariff: Tariff) -> Q:
    """Connectors at the places of these assignments."""
    places = Q(pk__in=[])
    for row in rows:
        if row.connector_id:
            places |= Q(pk=row.connector_id)
        elif row.station_id:
            places |= Q(station_id=row.station_id)
        elif row.site_id:
            places |= Q(station__site_id=row.site_id)
        else:
            places |= Q(station__organization_id=tariff.organization_id)
    return places


def terms_of(editor: Editor, around: Surroundings) -> Terms:
    """Of a complete editor. Raises ValueError."""
    region = editor.whole.cleaned_data["holidays_of"]
    return editor.terms(time_zone=around.time_zone, holidays=lookup.holidays(region))


def judged(editor: Editor, access: Access, tariff: Tariff | None, around: Surroundings) -> Live:
    """Everything beside the fields. About 6 queries."""
    complete = editor.valid()
    live = Live(sentences=_sentences(editor))
    if not complete:
        live.problem = _("The example appears when the numbers are complete.")
        return live
    try:
        terms = terms_of(editor, around)
    except (ValueError, ArithmeticError):
        live.problem = _("These rules do not fit together.")
        return live
    _judge(live, terms, editor, tariff, around)
    return live


def _sentences(editor: Editor) -> dict[int, str]:
    """Of the rules that are complete, whatever is missing elsewhere."""
    currency = str(editor.whole["currency"].value() or "EUR").upper()[:3]
    said = {}
    for index, rule in enumerate(editor.rules):
        if rule.is_valid():
            try:
                said[index] = rule_words.sentence(rule.element(editor.main_tax), currency)
            except (ValueError, ArithmeticError):
                continue
    return said


def _judge(live: Live, terms: Terms, editor: Editor, tariff: Tariff | None, around: Surroundings) -> None:
    today = clock.now().astimezone(ZoneInfo(terms.time_zone)).date()
    charge = editor.example.charge(ZoneInfo(terms.time_zone), today)
    hold = editor.whole.cleaned_data["hold"]
    likely, from_past = likely_bill(terms, tariff, around)
    setting = Setting(
        hold=hold,
        holidays_of=editor.whole.cleaned_data["holidays_of"],
        regions=regions.known(),
        fast_connectors=around.fast_connectors,
        likely_minor=likely,
        from_past=from_past,
        today=today,
    )
    live.findings = [lint_words.said(finding, terms.currency) for finding in lint(terms, setting)]
    live.lines, live.remarks = wording.price_lines(terms), wording.remarks(terms)
    live.hold = "" if hold is None else unit_price(str(hold), terms.currency)
    _bill(live, terms, charge)
    day = charge.start.astimezone(ZoneInfo(terms.time_zone)).date()
    live.strips = week_strip.strips(terms, day, charge.average_kw)
    live.strips_are_for = _said_of(terms, day)


def _said_of(terms: Terms, day: date) -> str:
    rules = [element.restrictions for element in terms.elements]
    said = []
    if any(rule.start_date or rule.end_date or rule.holidays for rule in rules):
        said.append(_("in the week of %(day)s") % {"day": date_format(day, "SHORT_DATE_FORMAT")})
    if any(rule.by_energy or rule.by_duration for rule in rules):
        said.append(_("when charging begins"))
    if any(rule.by_power for rule in rules):
        said.append(_("at the example's average power"))
    return ", ".join(said)


def _bill(live: Live, terms: Terms, charge: Charge) -> None:
    result = example(
        terms, energy_mwh=charge.energy_mwh, charging=charge.charging, idle=charge.idle, starts_at=charge.start
    )
    live.bill = [wording.cost_line(line, terms.currency) for line in result.lines if line.amount]
    live.total, live.tax = amount(result.total, terms.currency), amount(result.tax, terms.currency)
    live.begins = date_format(charge.start.astimezone(ZoneInfo(terms.time_zone)), "D H:i")


def likely_bill(terms: Terms, tariff: Tariff | None, around: Surroundings) -> tuple[int, bool]:
    """(minor units, is it from past sessions?): the draft over the tariff's last sessions, else a full charge."""
    past = _past(terms, tariff) if tariff else []
    if len(past) >= ENOUGH:
        return sorted(past)[min(len(past) - 1, len(past) * PERCENTILE // 100)], True
    return _full_charge(terms, around).total, False


def _past(terms: Terms, tariff: Tariff) -> list[int]:
    ours = Bill.objects.filter(organization=tariff.organization_id, final_at__isnull=False)  # by the index of days
    rows = ours.filter(snapshot__tariff=tariff, session__energy_mwh__gt=0).exclude(periods=None)
    found = rows.order_by("-final_at").values_list("periods", flat=True)[:SAMPLE]
    return [price(terms, stored_periods(each)).total for each in found if each]


def _full_charge(terms: Terms, around: Surroundings) -> Priced:
    kilowatt = max(1, around.largest_w // 1000) or 22
    fast = kilowatt >= FAST_KW
    energy = LIKELY_KWH[fast]
    charging = timedelta(seconds=energy * 3600 // min(kilowatt, MOST_KW[fast]))
    return example(terms, energy_mwh=energy * MWH_PER_KWH, charging=charging, starts_at=clock.now())


def findings_of(tariff: Tariff) -> list[Said]:
    """What a list can say of a saved tariff without asking where it holds: errors and warnings."""
    terms = lookup.terms_of(tariff)
    setting = Setting(hold=lookup.decimal(tariff.hold), holidays_of=tariff.holidays_of, regions=regions.known())
    found = [finding for finding in lint(terms, setting) if finding.level != Level.HINT]
    return [lint_words.said(finding, terms.currency) for finding in found]
