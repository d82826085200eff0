"""Paths of this door."""

from django.urls import URLPattern, URLResolver, path

from evcms.public.views import account, connector, debt, map, receipts, session, signin

app_name = "public"
urlpatterns: list[URLPattern | URLResolver] = [
    path("map", map.station_map, name="map"),
    path("map/points.geojson", map.points, name="points"),
    path("map/streets.geojson", map.streets, name="streets"),
    path("map/<int:pk>/", map.site, name="site"),
    path("c/<str:code>", connector.connector, name="connector"),
    path("c/<str:code>/", connector.without_slash, name="connector-slash"),
    path("c/<str:code>/pay", connector.pay, name="pay"),
    path("c/<str:code>/start", connector.start, name="start"),
    path("c/<str:code>/subscribe", connector.subscribe, name="subscribe"),
    path("s/<str:public_id>", session.session, name="session"),
    path("s/<str:public_id>/stop", session.stop, name="stop"),
    path("receipt", receipts.find, name="find-receipt"),
    path("r/<slug:public_id>", session.receipt, name="receipt"),
    path("r/<slug:public_id>.pdf", session.receipt_pdf, name="receipt-pdf"),
    path("debt/<slug:public_id>", debt.debt, name="debt"),
    path("debt/<slug:public_id>/pay", debt.pay, name="debt-pay"),
    path("debt/<slug:public_id>/card", debt.pay_with_card, name="debt-card"),
    path("pay/<slug:public_id>/back", debt.back, name="collection-back"),
    path("account", signin.first_step, name="account-slash"),
    path("account/", account.account, name="account"),
    path("account/sign-in", signin.sign_in, name="sign-in"),
    path("account/in/<str:token>", signin.enter, name="enter"),
    path("account/out", signin.sign_out, name="sign-out"),
    path("account/name", account.profile, name="profile"),
    path("account/charges", account.visits, name="visits"),
    path("account/cards/new", account.card_new, name="card-new"),
    path("account/cards/<slug:public_id>/back", account.card_back, name="card-back"),
    path("account/cards/<int:pk>/usual", account.card_usual, name="card-usual"),
    path("account/cards/<int:pk>/remove", account.card_remove, name="card-remove"),
    path("account/tokens/new", account.token_new, name="token-new"),
    path("account/tokens/<int:pk>/pay", account.token_pay, name="token-pay"),
    path("account/tokens/<int:pk>/remove", account.token_remove, name="token-remove"),
    path("account/cars/new", account.car_ask, name="car-ask"),
    path("account/cars/<slug:public_id>/confirm", account.car_confirm, name="car-confirm"),
    path("account/cars/<slug:public_id>/end", account.car_end, name="car-end"),
]
