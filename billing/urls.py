"""Paths of this room: the provider's webhook, the driver's way back from its page, tariffs and money for operators."""

from django.urls import URLPattern, URLResolver, path

from .views import doors, money, readers, tariffs

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/stripe/", doors.stripe_webhook, name="stripe-webhook"),
    path("s/<str:public_id>/back", doors.back_from_checkout, name="payment-back"),
    path("tariffs/", tariffs.tariffs, name="tariffs"),
    path("tariffs/new/", tariffs.create, name="tariff-create"),
    path("tariffs/example/", tariffs.example, name="tariff-example"),
    path("tariffs/<int:pk>/", tariffs.edit, name="tariff-edit"),
    path("tariffs/<int:pk>/archive/", tariffs.archive, name="tariff-archive"),
    path("tariffs/<int:pk>/assign/", tariffs.assign, name="tariff-assign"),
    path("tariffs/assignments/<int:pk>/end/", tariffs.end_assignment, name="tariff-unassign"),
    path("readers/", readers.readers, name="readers"),
    path("readers/new/", readers.create, name="reader-create"),
    path("readers/<int:pk>/", readers.edit, name="reader-edit"),
    path("readers/<int:pk>/archive/", readers.archive, name="reader-archive"),
    path("readers/<int:pk>/try/", readers.try_it, name="reader-try"),
    path("money/", money.payments, name="money"),
    path("money/export.csv", money.export, name="money-export"),
    path("money/<str:public_id>/", money.payment, name="payment"),
    path("money/<str:public_id>/refund/", money.refund, name="payment-refund"),
    path("money/<str:public_id>/retry/", money.retry, name="payment-retry"),
]
