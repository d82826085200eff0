"""Which door answers which path."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from evcms import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("login", RedirectView.as_view(pattern_name="account_login"), name="login"),
    path("login/", RedirectView.as_view(pattern_name="account_login"), name="login-slash"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}evcms/favicon.svg"), name="favicon"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/", include("evcms.api.urls")),
    path("", include("evcms.dashboard.urls")),
    path("", include("stations.urls")),
    path("", include("sessions.urls")),
    path("", include("billing.urls")),
    path("", include("alerts.urls")),
    path("", include("evcms.public.urls")),
]
handler500 = "evcms.api.errors.server_error"  # JSON under /api/, Django's page elsewhere
