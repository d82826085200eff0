"""Paths of this room: the provider's webhook, the driver's way back from its page, tariffs and money for operators."""

from django.urls import URLPattern, URLResolver, path

from .views import doors

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/stripe/", doors.stripe_webhook, name="stripe-webhook"),
    path("pay/<str:public_id>/back", doors.back_from_checkout, name="payment-back"),
]
