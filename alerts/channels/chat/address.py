"""An apprise address (slack://…, mmost://…): only services of a list, only to hosts of the public internet."""

from apprise import Apprise
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evcms.core import outgoing

# schemes whose plugins speak https through `requests`; none of them runs programs or opens files
OF_A_SERVICE = ("slack", "msteams", "workflow", "workflows", "discord", "tgram", "gchat", "webex", "wxteams", "pover")
OF_A_HOST = ("mmosts", "matrixs", "ntfys", "rockets", "gotifys", "jsons", "nctalks")
OF_A_DOUBLE = ("json",)  # plain http, only to hosts of OUTGOING_ALLOWED
EXAMPLE = "slack://T1JJ3T3L2/B2BBB2BBB/TIiajkdnlazkcOXrIdevi7F/#operations"


def clean(text: str) -> str:
    """Raises ValidationError with a sentence."""
    address = text.strip()
    scheme = address.partition("://")[0].lower()
    if scheme not in (*OF_A_SERVICE, *OF_A_HOST, *OF_A_DOUBLE):
        known = ", ".join(sorted((*OF_A_SERVICE, *OF_A_HOST)))
        raise ValidationError(_("Write an address of one of these services: %(known)s.") % {"known": known})
    if scheme not in OF_A_SERVICE:
        host = address.partition("://")[2].partition("/")[0].rpartition("@")[2]
        try:
            outgoing.check(f"{'http' if scheme in OF_A_DOUBLE else 'https'}://{host}/")
        except outgoing.Forbidden as error:
            raise ValidationError(str(error)) from error
    if len(address) > 500 or Apprise.instantiate(address, suppress_exceptions=True) is None:
        raise ValidationError(_("This address is not complete; one looks like %(example)s.") % {"example": EXAMPLE})
    return address


def shown(address: str) -> str:
    """Without tokens and passwords."""
    plugin = Apprise.instantiate(address, suppress_exceptions=True)
    if plugin is None:
        return address.partition("://")[0] + "://…"
    return str(plugin.url(privacy=True)).partition("?")[0]  # type: ignore[no-untyped-call]
