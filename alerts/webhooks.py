"""Doors for what providers tell later. Each is proven by a signature or a secret; a repeat changes nothing."""

from typing import Any

import structlog
from anymail.exceptions import AnymailConfigurationError
from anymail.signals import tracking as mail_tracking
from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseForbidden,
)
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from alerts import services
from alerts.channels.email import tracking as mail
from alerts.channels.push import tracking as push
from alerts.channels.sms import tracking as sms

log = structlog.get_logger(__name__)


@csrf_exempt  # the provider has no cookie of ours; its signature is the proof
@require_POST
def sms_status(request: HttpRequest) -> HttpResponse:
    """Signed over the address that we gave, whatever a proxy made of it."""
    fields = {name: request.POST.get(name, "") for name in request.POST}
    url = settings.PUBLIC_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not settings.SMS_TOKEN or not sms.signed(url, fields, signature, settings.SMS_TOKEN):
        return HttpResponseForbidden("The signature does not fit.")
    word = sms.told(fields, request.GET.get("attempt", ""))
    if word:
        services.told(word)
    return HttpResponse(status=204)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mail_status(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Anymail's own views, which know each provider's format; open only with ANYMAIL_WEBHOOK_SECRET to ask for."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        raise Http404
    try:
        found = resolve(f"/{provider}/tracking/", urlconf="alerts.anymail_urls")
        answer: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    except (Resolver404, AnymailConfigurationError):  # a provider that there is not, or that is not ours
        raise Http404 from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("a mail provider's report cannot be read", provider=provider, error=str(error))
        return HttpResponseBadRequest("This report cannot be read.")
    return answer


def mail_event(sender: object, event: Any, esp_name: str, **_kwargs: Any) -> None:
    """Anymail's signal, one for each event of a call. Any: Anymail has no types."""
    word = mail.told(event)
    if word:
        services.told(word)


mail_tracking.connect(mail_event, dispatch_uid="alerts.mail_event")


@csrf_exempt  # a service worker's beacon; the id is known to who got the message
@require_POST
def push_opened(request: HttpRequest) -> HttpResponse:
    services.told(push.opened(request.POST.get("id", "")))
    return HttpResponse(status=204)
