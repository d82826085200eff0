"""Paths of this door."""

from django.urls import URLPattern, URLResolver, path

from evcms.public.views import connector, map, session

app_name = "public"
urlpatterns: list[URLPattern | URLResolver] = [
    path("map", map.station_map, name="map"),
    path("map/points.geojson", map.points, name="points"),
    path("map/streets.geojson", map.streets, name="streets"),
    path("map/<int:pk>/", map.site, name="site"),
    path("c/<str:code>", connector.connector, name="connector"),
    path("c/<str:code>/", connector.without_slash, name="connector-slash"),
    path("c/<str:code>/pay", connector.pay, name="pay"),
    path("c/<str:code>/subscribe", connector.subscribe, name="subscribe"),
    path("s/<str:public_id>", session.session, name="session"),
    path("s/<str:public_id>/stop", session.stop, name="stop"),
    path("r/<slug:public_id>", session.receipt, name="receipt"),
    path("r/<slug:public_id>.pdf", session.receipt_pdf, name="receipt-pdf"),
]
