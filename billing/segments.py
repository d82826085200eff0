"""The nine segments of a proof for people: words, and the bar from 0 to all energy."""

from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import reasons
from billing.proof import Part, Proof, Segment
from billing.vocabulary import BillState, FundingSource
from billing.wording import kwh

LABELS: Final = {
    Segment.UNMETERED: gettext_lazy("unmetered"),
    Segment.OPEN: gettext_lazy("open"),
    Segment.FAILED: gettext_lazy("failed"),
    Segment.DISPUTED: gettext_lazy("disputed"),
    Segment.WAIVED: gettext_lazy("waived"),
    Segment.FREE: gettext_lazy("free"),
    Segment.PREPAID: gettext_lazy("prepaid"),
    Segment.INVOICED: gettext_lazy("invoiced"),
    Segment.PAID: gettext_lazy("paid"),
}
MEANINGS: Final = {
    Segment.UNMETERED: gettext_lazy("No session or no bill accounts for it."),
    Segment.OPEN: gettext_lazy("It runs, is being charged, or waits for a person."),
    Segment.FAILED: gettext_lazy("Nothing came for it: the card failed, or there was no way to pay."),
    Segment.DISPUTED: gettext_lazy("A bank took the payment back."),
    Segment.WAIVED: gettext_lazy("Its whole price was let go."),
    Segment.FREE: gettext_lazy("By policy or tariff."),
    Segment.PREPAID: gettext_lazy("A balance or voucher paid."),
    Segment.INVOICED: gettext_lazy("On the monthly statement of an account."),
    Segment.PAID: gettext_lazy("By card."),
}
BOOKS: Final = {
    "billed": gettext_lazy("Billed"),
    "captured": gettext_lazy("Charged to cards"),
    "refunded": gettext_lazy("Given back"),
    "from balances": gettext_lazy("From balances and vouchers"),
    "invoiced": gettext_lazy("On statements"),
    "waived": gettext_lazy("Let go"),
    "collected": gettext_lazy("Top-ups, debts and statements paid by card"),
    "collections given back": gettext_lazy("Of those, given back"),
    "collections held back": gettext_lazy("Of those, taken by banks"),
}
WIDTH: Final = 1000
LEAST: Final = 3  # of WIDTH: what is there can be seen


def meaning(segment: Segment) -> str:
    return str(MEANINGS[segment])


def explained(part: Part) -> str:
    """A part's detail in words."""
    detail = part.detail
    if part.segment == Segment.OPEN:
        state = detail.removeprefix("bill:")
        return str(BillState(state).label) if state in BillState else _("running now")
    if detail.startswith("code:"):
        return reasons.in_words(detail.removeprefix("code:"))
    if detail in FundingSource:
        return str(FundingSource(detail).label)
    return _("without any session") if detail == "no session" else detail or "–"


def proof_bar(proof: Proof) -> SafeString:
    """All energy from left to right. What is there is at least a hair wide; the figures beside it are exact."""
    shown = [(segment, energy) for segment, energy, _count in proof.segments if energy > 0]
    total = sum(energy for _segment, energy in shown)
    widths = [max(LEAST, energy * WIDTH // total) for _segment, energy in shown]
    if shown:  # the widest gives what the hairs took
        widths[widths.index(max(widths))] += WIDTH - sum(widths)
    rects, x = [], 0
    for (segment, energy), width in zip(shown, widths, strict=True):
        rects.append((x, width, segment.value, LABELS[segment], kwh(energy)))
        x += width
    said = ", ".join(f"{LABELS[segment]} {kwh(energy)}" for segment, energy in shown) or _("no energy")
    return format_html(
        '<svg class="ev-proof-bar" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        said,
        format_html_join(
            "", '<rect x="{}" y="0" width="{}" height="40" class="ev-seg-{}"><title>{}: {}</title></rect>', rects
        ),
    )
