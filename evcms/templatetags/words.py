"""Names and days as pages say them: who charged, which site stands beside a plug, a stored day in words."""

from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evcms.core.figures import NOTHING
from sessions.models import guest_name

ENTRIES: Final = {
    "price": gettext_lazy("a session's price"),
    "capture": gettext_lazy("a card was charged"),
    "cover": gettext_lazy("a balance or voucher paid"),
    "fleet": gettext_lazy("put on a fleet's account"),
    "statement_paid": gettext_lazy("a statement was paid"),
    "top_up": gettext_lazy("a balance was topped up"),
    "voucher_sold": gettext_lazy("vouchers were sold"),
    "adjust": gettext_lazy("a balance was changed by hand"),
    "waive": gettext_lazy("an amount was let go"),
    "debt": gettext_lazy("a debt was paid"),
    "refund": gettext_lazy("money went back"),
    "dispute": gettext_lazy("a bank's dispute"),
    "fee": gettext_lazy("a provider's fee"),
    "exchange": gettext_lazy("an exchange of currencies"),
    "payout": gettext_lazy("a payout to the bank"),
}


def entry_word(kind: str) -> str:
    """What a kind of journal entry means; a new kind reads as it is called."""
    return str(ENTRIES.get(kind, kind.replace("_", " ")))


def site_beside(row: Any) -> str:  # Any: a connector, a station, a session
    """The site's name, to stand beside the row's own; empty when that begins with it ("Kade 12 · 1" at "Kade")."""
    station = row if not hasattr(row, "station") else row.station
    site = getattr(row, "site", None) or station.site
    return "" if site is None or str(station).startswith(site.name) else str(site)


def who(row: Any) -> SafeString:  # Any: a session or an attempt
    """The driver, else the card. A guest's token means nothing to people: the word, the token when one points at it."""
    token = getattr(row, "id_token", None)
    guest = token.guest if token is not None else getattr(row, "kind", "") == "scan"
    if guest and row.driver is None and row.token_value:
        return format_html('<span class="ev-muted" title="{}">{}</span>', row.token_value, _("a guest"))
    return format_html('<span class="ev-clip">{}</span>', row.driver or token or row.token_value or NOTHING)


def card(row: Any) -> SafeString:  # Any: a session or an attempt
    """The token that started it, with a link; a guest's in short, the whole when one points at it."""
    token, value = getattr(row, "id_token", None), row.token_value
    if value and (token.guest if token is not None else getattr(row, "kind", "") == "scan"):
        return format_html('<span title="{}">{}</span>', value, guest_name(value))
    if token is None:
        return format_html('<span class="ev-mono">{}</span>', value or NOTHING)
    url = f"{reverse('tokens')}?{urlencode({'q': token.value})}"
    more = format_html(' <span class="ev-mono ev-muted">{}</span>', value) if str(token) != value else ""
    return format_html('<a href="{}">{}</a>{}', url, token, more)


def day(value: date | str | None) -> str:
    """'1 Oct 2026' in the reader's language, of a date or of a stored ISO moment (in the zone it was written in)."""
    if not value:
        return NOTHING
    return str(date_format(datetime.fromisoformat(value) if isinstance(value, str) else value, "SHORT_DATE_FORMAT"))


def month(moment: datetime, zone: str = "") -> str:
    """'October 2026', as it is in `zone`."""
    return str(date_format(timezone.localtime(moment, ZoneInfo(zone) if zone else None), "YEAR_MONTH_FORMAT"))


def masked(address: str) -> str:
    """ "h…@example.de": enough for its owner. The page's address stands on receipts, which go through many hands."""
    name, at, host = address.partition("@")
    return f"{name[:1]}…{at}{host}"
