"""What each session cost: 0.41 a kWh, 21 % tax in it; half by guests' cards, half by cards on file, few by nobody."""

from billing.models import (
    BalanceLine,
    Bill,
    Debt,
    JournalEntry,
    JournalLine,
    Payment,
    PaymentEvent,
    PaymentMethod,
    Payout,
    Receipt,
)

NOBODY = "(s.driver_id IS NOT NULL AND pg_temp.dice(s.id, 31) < 0.04)"
GROSS = "((s.energy_mwh * 41 + 500000) / 1000000)"  # minor units, half up
PRICED = f"""
(SELECT s.*, g.gross, floor(g.gross * 100 / 121.0 + 0.5)::bigint AS net, {NOBODY} AS nobody, s.ended_at IS NULL AS open
 FROM charging_chargingsession s CROSS JOIN LATERAL (SELECT {GROSS} AS gross) g WHERE s.id > :base) s
"""
LINE = """jsonb_build_object('part', 'energy', 'quantity', s.energy_mwh, 'unit', 'mWh', 'unit_price', '0.41',
 'per', 1000000, 'exact', (s.energy_mwh * 41 / 1000000.0)::text, 'amount', s.gross, 'rule', 'every kWh by the meter',
 'rounding', 'half_up', 'tax_percent', '21', 'starts_at', s.started_at, 'ends_at', s.ended_at,
 'restrictions', '{}'::jsonb)"""
TRACE = f"""CASE WHEN NOT s.open THEN jsonb_build_object('version', 2, 'currency', 'EUR', 'exponent', 2,
 'total', s.gross, 'net', s.net, 'tax', s.gross - s.net, 'tax_included', true, 'energy_mwh', s.energy_mwh,
 'lines', jsonb_build_array({LINE}),
 'taxes', jsonb_build_array(jsonb_build_object('percent', '21', 'net', s.net, 'tax', s.gross - s.net)),
 'periods', jsonb_build_array(jsonb_build_array(s.started_at, s.ended_at, 'charging', s.energy_mwh))) END"""
LONG = "(extract(epoch FROM s.ended_at - s.started_at))::bigint"
PERIODS = f"""CASE WHEN NOT s.open THEN jsonb_build_object('start', s.started_at, 'rows', jsonb_build_array(
 jsonb_build_array(s.charging_seconds * 1000000::bigint, 'c', s.energy_mwh),
 jsonb_build_array(({LONG} - s.charging_seconds) * 1000000, 'i', 0))) END"""
BY_CARD = (
    "(SELECT b.*, s.driver_id, s.connector_id, s.started_at, s.ended_at, b.state = 'open' AS open FROM billing_bill b "
    "JOIN charging_chargingsession s ON s.id = b.session_id WHERE b.id > :base AND b.source <> 'none') b"
)


def pour(filler):
    filler.fill(
        Bill, PRICED,
        id="s.id", session_id="s.id", organization_id=":org", snapshot_id=":snapshot", currency="'EUR'",
        state="CASE WHEN s.open THEN 'open' WHEN s.nobody THEN 'unpaid' ELSE 'paid' END",
        source="CASE WHEN s.nobody THEN 'none' WHEN s.driver_id IS NULL THEN 'scan' ELSE 'card' END",
        net_minor="CASE WHEN s.open THEN 0 ELSE s.net END",
        tax_minor="CASE WHEN s.open THEN 0 ELSE s.gross - s.net END",
        total_minor="CASE WHEN s.open THEN 0 ELSE s.gross END",
        shortfall_minor="CASE WHEN s.nobody AND NOT s.open THEN s.gross ELSE 0 END",
        reason="CASE WHEN s.nobody THEN 'no card on file: contract token' ELSE '' END", trace=TRACE, periods=PERIODS,
        created_at="s.started_at", final_at="s.ended_at",
    )  # fmt: skip
    cards(filler)
    documents(filler)
    journal(filler)
    payouts(filler)


def cards(filler):
    filler.fill(
        PaymentMethod, "generate_series(1, :drivers) n",
        id=":base + n", organization_id=":org", driver_id=":base + n", customer_id="'cus_' || n",
        method_id="'pm_' || n", card="'Visa •••• 4242'", is_default="true", created_at=":now - interval '370 days'",
    )  # fmt: skip
    filler.fill(
        Payment, BY_CARD,
        id="b.id", organization_id=":org", public_id="md5('p' || b.id)", kind="b.source", connector_id="b.connector_id",
        method_id="b.driver_id", attempt_id="b.session_id", session_id="b.session_id", driver_id="b.driver_id",
        snapshot_id=":snapshot", state="CASE WHEN b.open THEN 'authorized' ELSE 'captured' END", currency="'EUR'",
        hold_minor="5000", due_minor="CASE WHEN NOT b.open THEN b.total_minor END",
        captured_minor="CASE WHEN b.open THEN 0 ELSE b.total_minor END",
        fee_minor="CASE WHEN NOT b.open THEN b.total_minor * 14 / 1000 + 25 END",
        email="CASE WHEN b.driver_id IS NULL THEN 'guest' || b.id % 300000 || '@large.example' ELSE '' END",
        intent_id="'pi_' || b.id", checkout_id="CASE WHEN b.driver_id IS NULL THEN 'cs_' || b.id ELSE '' END",
        charge_id="'ch_' || b.id", card="'Visa •••• 4242'", created_at="b.started_at - interval '30 seconds'",
        authorized_at="b.started_at - interval '20 seconds'", settled_at="b.ended_at",
        capture_before="b.started_at + interval '7 days'",
    )  # fmt: skip
    filler.fill(
        PaymentEvent, "billing_payment p JOIN (VALUES ('authorized', 0), ('captured', 1)) AS step(kind, place) "
        "ON place = 0 OR p.state = 'captured' WHERE p.id > :base",
        payment_id="p.id", at="CASE WHEN place = 0 THEN p.authorized_at ELSE p.settled_at END", kind="step.kind",
        amount_minor="CASE WHEN place = 0 THEN p.hold_minor ELSE p.captured_minor END",
    )  # fmt: skip
    filler.fill(
        Debt, "billing_bill b JOIN charging_chargingsession s ON s.id = b.session_id "
        "WHERE b.id > :base AND b.state = 'unpaid' AND b.total_minor > 0",
        organization_id=":org", public_id="md5('d' || b.id)", bill_id="b.id", driver_id="s.driver_id",
        currency="'EUR'", amount_minor="b.total_minor", reason="b.reason", created_at="b.final_at",
        linked_at="b.final_at",
    )  # fmt: skip


def documents(filler):
    """Receipts in the order of their sessions' ends, numbered without gaps within each year."""
    filler.fill(
        Receipt, "(SELECT b.*, extract(year FROM b.final_at)::int AS year, row_number() OVER (PARTITION BY "
        "extract(year FROM b.final_at) ORDER BY b.final_at, b.id) AS place FROM billing_bill b "
        "WHERE b.id > :base AND b.state = 'paid') b",
        id="b.id", organization_id=":org", public_id="md5('r' || b.id)", year="b.year", sequence=":base + b.place",
        payment_id="b.id", bill_id="b.id", currency="'EUR'", net_minor="b.net_minor", tax_minor="b.tax_minor",
        total_minor="b.total_minor", issued_at="b.final_at",
        document="(:document)::jsonb || jsonb_build_object('number', b.year || '-' || lpad((:base + b.place)::text, 6, "
        "'0'), 'total', b.total_minor, 'paid', b.total_minor, 'total_text', to_char(b.total_minor / 100.0, "
        "'FM999990.00') || ' €', 'paid_text', to_char(b.total_minor / 100.0, 'FM999990.00') || ' €')",
    )  # fmt: skip
    filler.execute(
        "UPDATE billing_receiptcounter c SET last = r.last FROM (SELECT year, max(sequence) AS last "
        "FROM billing_receipt GROUP BY year) r WHERE r.year = c.year"
    )
    filler.execute(
        "INSERT INTO billing_receiptcounter (organization_id, year, last) SELECT :org, year, max(sequence) "
        "FROM billing_receipt WHERE year < :year GROUP BY year"
    )


def journal(filler):
    filler.fill(
        JournalEntry, "billing_bill b WHERE b.id > :base AND b.state <> 'open'",
        id="2 * b.id", organization_id=":org", key="'price-' || b.id || '-1'", kind="'price'", currency="'EUR'",
        at="b.final_at", bill_id="b.id",
    )  # fmt: skip
    filler.fill(
        JournalEntry, "billing_payment p WHERE p.id > :base AND p.state = 'captured'",
        id="2 * p.id + 1", organization_id=":org", key="'capture-' || p.id", kind="'capture'", currency="'EUR'",
        at="p.settled_at", bill_id="p.session_id", payment_id="p.id",
    )  # fmt: skip
    filler.fill(
        JournalLine, "billing_bill b CROSS JOIN LATERAL (VALUES ('receivable', '', b.total_minor), "
        "('revenue', '', -b.net_minor), ('tax', '21', -b.tax_minor)) AS l(account, sub, amount) "
        "WHERE b.id > :base AND b.state <> 'open'",
        entry_id="2 * b.id", account="l.account", sub="l.sub", amount_minor="l.amount",
    )  # fmt: skip
    filler.fill(
        JournalLine, "billing_payment p CROSS JOIN LATERAL (VALUES ('card_clearing', p.captured_minor), "
        "('receivable', -p.captured_minor)) AS l(account, amount) WHERE p.id > :base AND p.state = 'captured'",
        entry_id="2 * p.id + 1", account="l.account", sub="''", amount_minor="l.amount",
    )  # fmt: skip


def payouts(filler):
    """One a week; what was captured since waits for the next."""
    week = "floor(extract(epoch FROM :now - p.settled_at) / 604800)::int"
    filler.fill(
        BalanceLine, "billing_payment p WHERE p.id > :base AND p.state = 'captured'",
        id="p.id", provider_id="'txn_' || p.id", organization_id=":org",
        payout_id=f"CASE WHEN {week} > 0 THEN :base + {week} END", kind="'charge'", currency="'EUR'",
        amount_minor="p.captured_minor", fee_minor="p.fee_minor", net_minor="p.captured_minor - p.fee_minor",
        source_id="p.charge_id", payment_id="p.id", at="p.settled_at",
    )  # fmt: skip
    filler.fill(
        Payout, "(SELECT payout_id, sum(net_minor) AS net, max(at) AS at FROM billing_balanceline "
        "WHERE payout_id > :base GROUP BY payout_id) l",
        id="l.payout_id", provider_id="'po_' || l.payout_id", currency="'EUR'", amount_minor="l.net", state="'paid'",
        arrives_on="(l.at + interval '2 days')::date", created_at="l.at", checked_at="l.at",
    )  # fmt: skip
