"""Prices, costs and payments on the wire, in each version that has words for them."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing import queries
from billing import services as billing
from billing.models import Bill, BudgetGuard, Payment, PriceSnapshot, Tariff, TariffAssignment
from billing.terms import Component, Element, Idle, Kind, Restrictions, Terms
from billing.vocabulary import BillState, FundingSource, PaymentKind, PaymentState
from evcms.core import delivery
from evcms.core.money import to_major
from sessions.models import ChargingSession, Driver, DriverGroup, IdToken
from stations import commands
from stations.models import Command, Connector, Variable
from tests.tariffs import flat

from .talk import MINUTE, PROTOCOLS, Talk, Teller, ago, only
from .wire import link, tell, wired_station  # noqa: F401 (fixtures)

NEW = ("ocpp2.0.1", "ocpp2.1")
AT = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
COSTS = "org.openchargealliance.costmsg"
COST = commands.ShowCost("12", Decimal("9.36"), "EUR", at=AT, meter_wh=18_000, per_kwh=Decimal("0.49"), idle=True)


# What the station is told


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_running_cost_reaches_the_display(link, wired_station, protocol):  # noqa: F811
    old = protocol == "ocpp1.6"
    frame, row = tell(wired_station, link(protocol), COST, {"status": "Accepted"} if old else {})
    assert row.state == "accepted"
    if not old:
        assert frame[2:] == ["CostUpdated", {"totalCost": Decimal("9.36"), "transactionId": "12"}]
        return
    assert (frame[2], frame[3]["vendorId"], frame[3]["messageId"]) == ("DataTransfer", COSTS, "RunningCost")
    assert json.loads(frame[3]["data"]) == {
        "transactionId": 12,
        "timestamp": "2027-01-02T03:04:05.000Z",
        "meterValue": 18_000,
        "cost": 9.36,
        "state": "Idle",
        "chargingPrice": {"kWhPrice": 0.49},
    }


def test_the_final_cost_of_16_has_its_own_message(link, wired_station):  # noqa: F811
    command = commands.ShowCost("12", Decimal("9.36"), "EUR", final=True, text="9.36 €", url="https://volt.example/r/1")
    frame, _ = tell(wired_station, link("ocpp1.6"), command, {"status": "Accepted"})
    assert frame[3]["messageId"] == "FinalCost"
    said = {"transactionId": 12, "cost": 9.36, "priceText": "9.36 €", "qrCodeText": "https://volt.example/r/1"}
    assert json.loads(frame[3]["data"]) == said


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_price_is_a_message_in_16_alone(link, wired_station, protocol):  # noqa: F811
    command = commands.ShowPrice("04A1B2C3D4E5F6", "0.49 € per kWh")
    if protocol != "ocpp1.6":
        assert tell(wired_station, link(protocol), command, None)[1].state == "unsupported"
        return
    frame, _ = tell(wired_station, link(protocol), command, {"status": "Accepted"})
    assert json.loads(frame[3]["data"]) == {"idToken": "04A1B2C3D4E5F6", "priceText": "0.49 € per kWh"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_web_payment_that_began_is_told_in_21_alone(link, wired_station, protocol):  # noqa: F811
    answer = {} if protocol == "ocpp2.1" else None
    frame, row = tell(wired_station, link(protocol), commands.WebPaymentStarted(1, 120), answer)
    assert row.state == ("accepted" if protocol == "ocpp2.1" else "unsupported")
    assert frame is None or frame[2:] == ["NotifyWebPaymentStarted", {"evseId": 1, "timeout": 120}]


def energy(price, tax="21", **restrictions):
    component = Component(Kind.ENERGY, Decimal(price), Decimal(tax))
    return Element((component,), Restrictions(**restrictions))


NIGHT = Terms(
    "EUR",
    (
        energy("0.242", start_time="22:00", end_time="06:00", days=("SATURDAY", "SUNDAY")),
        energy("0.484", max_kwh=Decimal("20.5")),
        energy("0.605"),
        Element((Component(Kind.PARKING_TIME, Decimal("6.05"), Decimal(21)),)),
    ),
    max_price=Decimal("60"),
    idle=Idle(15),
)


def test_a_tariff_is_told_without_its_tax_per_kwh_and_minute(link, wired_station):  # noqa: F811
    command = commands.SetDefaultTariff("night-1", NIGHT.to_json(), 1, "0.242 €/kWh at night")
    frame, row = tell(wired_station, link("ocpp2.1"), command, {"status": "Accepted"})
    assert row.state == "accepted"
    tax = [{"type": "VAT", "tax": 21}]
    night = {"startTimeOfDay": "22:00", "endTimeOfDay": "06:00", "dayOfWeek": ["Saturday", "Sunday"]}
    said = json.loads(json.dumps(frame[3], default=float))
    assert said == {
        "evseId": 1,
        "tariff": {
            "tariffId": "night-1",
            "description": [{"format": "UTF8", "content": "0.242 €/kWh at night"}],
            "currency": "EUR",
            "energy": {
                "prices": [
                    {"priceKwh": 0.2, "conditions": night},
                    {"priceKwh": 0.4, "conditions": {"maxEnergy": 20500}},
                    {"priceKwh": 0.5},
                ],
                "taxRates": tax,
            },
            "idleTime": {
                "prices": [{"priceMinute": 0.083333, "conditions": {"minIdleTime": 900}}],
                "taxRates": tax,
            },
            "maxCost": {"inclTax": 60},
        },
    }


@pytest.mark.parametrize(
    "terms",
    [
        Terms("EUR", (energy("0.4", holidays="only"),)),
        Terms("EUR", (energy("0.4", tax="9", start_time="22:00"), energy("0.4"))),
        Terms("EUR", (Element((Component(Kind.PARKING_TIME, Decimal(6)),)),), idle=Idle(0, None, "22:00", "08:00")),
    ],
    ids=["holidays", "two taxes", "night pause"],
)
def test_a_tariff_that_21_cannot_say_is_not_sent(link, wired_station, terms):  # noqa: F811
    _, row = tell(wired_station, link("ocpp2.1"), commands.SetDefaultTariff("t", terms.to_json()), None)
    assert row.state == "unsupported"


def test_tariffs_of_a_session_are_changed_asked_for_and_removed(link, wired_station):  # noqa: F811
    charger = link("ocpp2.1")
    change = commands.ChangeTransactionTariff("tx-1", "t", Terms("EUR", (energy("0.4"),)).to_json())
    frame, row = tell(wired_station, charger, change, {"status": "TxNotFound"})
    assert (frame[2], frame[3]["transactionId"], row.state) == ("ChangeTransactionTariff", "tx-1", "rejected")
    frame, row = tell(wired_station, charger, commands.GetTariffs(1), {"status": "NoTariff"})
    assert (frame[2:], row.state) == (["GetTariffs", {"evseId": 1}], "rejected")
    results = [{"status": "Accepted", "tariffId": "a"}, {"status": "NoTariff", "tariffId": "b"}]
    frame, row = tell(wired_station, charger, commands.ClearTariffs(("a", "b")), {"clearTariffsResult": results})
    assert (frame[2:], row.answer_status) == (["ClearTariffs", {"tariffIds": ["a", "b"]}], "NoTariff")


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
def test_older_versions_know_no_tariffs(link, wired_station, protocol):  # noqa: F811
    command = commands.SetDefaultTariff("t", Terms("EUR", (energy("0.4"),)).to_json())
    assert tell(wired_station, link(protocol), command, None)[1].state == "unsupported"


# What the station is answered


def shows_prices(station, protocol):
    component, variable, instance = ("TariffCostCtrlr", "Enabled", "Tariff")
    if protocol == "ocpp1.6":
        component, variable, instance = ("", "CustomDisplayCostAndPrice", "")
    Variable.objects.create(
        station=station, component=component, variable=variable, variable_instance=instance, value="true",
        updated_at=ago(minutes=1),
    )  # fmt: skip


def test_who_identifies_is_told_the_price_where_the_station_shows_prices(teller, station, protocol, tokens, priced):
    assert "personalMessage" not in teller.authorize("GOOD")
    assert not Command.objects.exists()
    shows_prices(station, protocol)
    info = teller.authorize("GOOD")
    if protocol == "ocpp1.6":
        sent = Command.objects.get(kind="ShowPrice")
        assert "0.40" in sent.fields["text"]
    else:
        assert info["personalMessage"]["format"] == "UTF8"
        assert "0.40" in info["personalMessage"]["content"]
    assert "personalMessage" not in teller.authorize("BLOCKED")


def says_who(teller):
    """The whole answer to an Authorize."""
    token = {"idTag": "GOOD"} if teller.is_16 else {"idToken": {"idToken": "GOOD", "type": "ISO14443"}}
    return teller.say("Authorize", token)


def test_a_driver_of_a_group_is_told_his_groups_price_in_the_words_of_the_page(
    teller, station, protocol, tokens, priced, organization
):
    shows_prices(station, protocol)
    group = DriverGroup.objects.create(organization=organization, name="Residents")
    driver = Driver.objects.create(organization=organization, name="Rosa", group=group)
    IdToken.objects.filter(value="GOOD").update(driver=driver)
    assert "tariff" not in says_who(teller)  # the group has no price of its own
    own = Tariff.objects.create(organization=organization, name="Residents", currency="EUR", **flat(per_kwh="0.25"))
    TariffAssignment.objects.create(tariff=own, organization=organization, group=group, valid_from=ago(minutes=60))
    answer = says_who(teller)
    connector = Connector.objects.filter(station=station).order_by("evse__number", "number").first()
    page = "; ".join(line.sentence for line in queries.offer(connector=connector, group_id=group.pk).lines)
    assert "0.25" in page
    if protocol == "ocpp1.6":
        assert page in [row.fields["text"] for row in Command.objects.filter(kind="ShowPrice")]
        return
    assert answer["idTokenInfo"]["personalMessage"]["content"] == page
    if protocol == "ocpp2.0.1":
        assert "tariff" not in answer
        return
    assert answer["tariff"]["tariffId"] == f"tariff-{own.pk}"
    assert answer["tariff"]["description"] == [{"format": "UTF8", "content": page}]
    assert list(answer["tariff"]["energy"]["prices"][0]) == ["priceKwh"]


@pytest.mark.parametrize("protocol", NEW)
def test_the_answer_to_the_end_names_the_cost_and_the_bill_says_the_same(station, protocol, tokens, priced, t):
    teller = Teller(station, protocol)
    teller.start("GOOD", t)
    teller.reading(t + 5 * MINUTE, 3_000)
    answer = teller.stop(t + 10 * MINUTE, 12_345)
    assert answer["totalCost"] == Decimal("4.94")  # 12.345 kWh at 0.40
    delivery.deliver_due()
    bill = Bill.objects.get()
    assert bill.state != BillState.OPEN
    assert to_major(bill.total_minor, "EUR") == answer["totalCost"]
    teller.seq_no -= 1
    assert teller.stop(t + 10 * MINUTE, 12_345)["totalCost"] == answer["totalCost"]


@pytest.mark.parametrize("protocol", NEW)
def test_without_a_price_no_cost_is_named(station, protocol, tokens, t):
    teller = Teller(station, protocol)
    teller.start("GOOD", t)
    assert "totalCost" not in teller.stop(t + 10 * MINUTE, 12_345)


def test_readings_are_answered_without_a_cost(teller, tokens, priced, t):
    teller.start("GOOD", t)
    assert teller.reading(t + 5 * MINUTE, 3_000) == {}


# 2.1: the station's own terminal


@pytest.fixture
def terminal(station):
    return Teller(station, "ocpp2.1")


def begin(terminal, t, reference="psp_0815"):
    token = {"idToken": reference, "type": "DirectPayment"}
    return terminal.start("", t, idToken=token)


def settled(reference="psp_0815", status="Settled", amount=4.94, **more):
    said = {"pspRef": reference, "status": status, "settlementAmount": amount, "settlementTime": "2026-11-22T15:00:00Z"}
    return said | more


def test_a_payment_at_the_terminal_is_accepted_with_its_limit_and_never_kept_as_a_card(terminal, priced, t):
    assert begin(terminal, t)["status"] == "Accepted"
    session, payment = only(), Payment.objects.get()
    assert (session.token_value, session.authorized, session.id_token) == ("psp_0815", True, None)
    assert (payment.kind, payment.intent_id, payment.session_id) == (PaymentKind.STATION, "psp_0815", session.pk)
    assert Bill.objects.get().source == FundingSource.STATION
    assert not IdToken.objects.exists()


def test_the_limit_is_the_energy_that_the_hold_pays(terminal, priced, t):
    """20 € held, 0.40 € per kWh, and a margin for the way to the station."""
    payload = {"idToken": "psp_0815", "type": "DirectPayment"}
    said = terminal.say(
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": t.isoformat().replace("+00:00", "Z"),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "tx-1", "chargingState": "EVConnected"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": payload,
        },
        t,
    )
    limit = said["transactionLimit"]["maxEnergy"]
    assert 45_000 < limit <= 50_000
    assert set(said["transactionLimit"]) == {"maxEnergy"}
    guard = BudgetGuard.objects.get()
    assert (guard.limit_mwh, guard.by_transaction_limit, guard.state) == (limit * 1000, True, "planned")
    info = {"transactionId": "tx-1", "transactionLimit": {"maxEnergy": limit}}
    event = {"eventType": "Updated", "timestamp": "2026-11-22T15:00:00Z", "triggerReason": "LimitSet", "seqNo": 1}
    terminal.say("TransactionEvent", event | {"transactionInfo": info})
    assert BudgetGuard.objects.get().state == "accepted"


def test_a_card_of_ours_gets_no_limit(terminal, tokens, priced, t):
    terminal.start("GOOD", t)
    assert not BudgetGuard.objects.exists()


def test_what_the_terminal_took_settles_the_bill_whichever_comes_first(terminal, priced, t):
    begin(terminal, t)
    terminal.reading(t + 5 * MINUTE, 3_000)
    assert terminal.stop(t + 10 * MINUTE, 12_345)["totalCost"] == Decimal("4.94")
    answer = terminal.say("NotifySettlement", settled(transactionId="tx-1", receiptId="T-1"))
    assert answer["receiptUrl"].startswith("http")
    delivery.deliver_due()
    billing.complete_settled()
    assert (Payment.objects.get().state, Payment.objects.get().captured_minor) == (PaymentState.CAPTURED, 494)
    assert Bill.objects.get().state == BillState.PAID
    again = terminal.say("NotifySettlement", settled(transactionId="tx-1", receiptId="T-1"))
    assert again["receiptUrl"].startswith("http")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("status", ["Canceled", "Rejected", "Failed"])
def test_a_settlement_that_failed_leaves_no_money(terminal, priced, t, status):
    begin(terminal, t)
    terminal.stop(t + 10 * MINUTE, 12_345)
    terminal.say("NotifySettlement", settled(status=status, amount=0))
    delivery.deliver_due()
    billing.complete_settled()
    assert Payment.objects.get().captured_minor == 0
    assert Bill.objects.get().state != BillState.PAID


def test_a_settlement_of_nothing_we_know_is_answered(terminal, priced):
    assert terminal.say("NotifySettlement", settled("psp_never")) is not None
    assert not ChargingSession.objects.exists()


@pytest.mark.parametrize(
    ("number", "status"), [("NL004495445B01", "Accepted"), ("NL004495446B01", "Rejected"), ("nonsense", "Rejected")]
)
def test_a_vat_number_is_judged(station, number, status):
    answer = Talk(station, "ocpp2.1").say("VatNumberValidation", {"vatNumber": number, "evseId": 1})
    assert (answer["status"], answer["vatNumber"], answer["evseId"]) == (status, number, 1)
    assert ("statusInfo" in answer) is (status == "Rejected")


def test_a_direct_payment_that_says_no_reference_is_no_payment(station, priced):
    token = {"idToken": "", "type": "DirectPayment"}
    info = Talk(station, "ocpp2.1").say("Authorize", {"idToken": token})["idTokenInfo"]
    assert info["status"] == "Invalid"


def test_what_holds_the_price_is_frozen_with_the_payment(terminal, priced, t):
    begin(terminal, t)
    assert Payment.objects.get().snapshot == PriceSnapshot.objects.get()
    assert Bill.objects.get().snapshot_id == PriceSnapshot.objects.get().pk
