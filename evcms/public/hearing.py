"""How a driver wants to hear of something: by e-mail, by a text, by a push message in this browser, or by ways of his
that are known. Read from a form, shown by public/_how.html.
"""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language

from alerts import channels, proofs
from alerts.channels.push import borrowed
from alerts.models import Destination, Recipient
from alerts.services import browsers, codes
from alerts.vocabulary import ChannelName
from evcms.core.middleware import client_address

KNOWN = "known"  # nothing more is needed
NEW = "new"  # the owner of a mail address has to agree


@dataclass(frozen=True)
class Asked:
    """What became of a wish: `word` for the page, or `code`, the key of the page on which a text's code is typed.

    `browser`: whom this browser has proven on the way.
    """

    word: str = ""
    code: str = ""
    browser: list[Recipient] = field(default_factory=list)

    def answer(self, page: str) -> HttpResponse:
        """To `page`, or to where the code is typed."""
        response = redirect("phone-code", token=self.code) if self.code else redirect(page)
        for recipient in self.browser:
            proofs.remember(response, recipient)
        return response


def said(request: HttpRequest) -> str:
    return request.POST.get("how", "")[:20]


def by_text(
    request: HttpRequest, *, organization_id: int, recipient: Recipient | None, then: dict[str, Any], page: str
) -> Asked:
    """Sends a code; what is wanted waits for it. Any: JSON. Raises ValidationError."""
    row = codes.ask(
        organization_id=organization_id,
        number=request.POST.get("phone", "")[:40],
        language=recipient.language if recipient and recipient.own_language else get_language() or "en",
        network=client_address(request) or "",
        then=then,
        recipient=recipient,
        page=page,
    )
    return Asked(code=row.token)


def this_browser(request: HttpRequest, *, organization_id: int, recipient: Recipient | None) -> Destination:
    """The way to the browser that sent its push address with the form: for what is asked there, so the order of his
    ways stays. Raises ValidationError.
    """
    return browsers.register(
        organization_id=organization_id,
        subscription=request.POST.get("push", "")[:4000] or borrowed.subscription(),
        language=recipient.language if recipient else get_language() or "en",
        device=browsers.device(request.headers.get("User-Agent", "")),
        recipient=recipient,
        network=client_address(request) or "",
        first=False,
    )


def context(request: HttpRequest, wish: Any = None) -> dict[str, Any]:
    """What public/_how.html shows. `wish`: what was refused. Any: template context."""
    return {
        "sms_on": channels.ready(ChannelName.SMS),
        "push_demo": bool(settings.DEMO_INBOX_URL),
        "how": (wish or {}).get("how", ""),
    }
