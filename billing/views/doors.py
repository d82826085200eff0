"""Where the payment provider and the driver who comes back from its page knock."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from billing import services
from billing.gateways import PaymentsOff
from billing.gateways.base import BadNotice
from billing.models import Payment

LARGEST = 1_048_576  # bytes; the provider's events are some kilobytes


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Stored, then 200 at once: the provider repeats what is not answered within seconds."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return HttpResponse("too large", status=413, content_type="text/plain")
    try:
        services.receive_webhook(body=request.body, signature=request.headers.get("Stripe-Signature", ""))
    except BadNotice as error:
        return HttpResponse(f"refused: {error}", status=400, content_type="text/plain")
    except PaymentsOff:
        return HttpResponse("payments are off here", status=400, content_type="text/plain")
    return HttpResponse("stored", content_type="text/plain")


@require_GET
def back_from_checkout(request: HttpRequest, public_id: str) -> HttpResponse:
    """The driver comes back: the payment is read from the provider, so that a lost webhook loses nothing."""
    payment = get_object_or_404(Payment, public_id=public_id)
    if payment.state in services.UNPAID:
        services.refresh(payment=payment)
    return HttpResponseRedirect(f"/s/{payment.public_id}")
