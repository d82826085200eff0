"""Tariffs in a line of a test: `Tariff.objects.create(…, **flat(per_kwh="0.49", per_start="0.35"))`."""

from billing.terms import Idle, simple_element


def flat(*, idle_grace_minutes=15, tax_percent="21", **prices):
    """The columns of a tariff with one price of each kind: per_kwh, per_minute, per_start, idle_per_minute."""
    element = simple_element(tax_percent=tax_percent, **prices)
    return {"elements": [element.to_json()], "idle": Idle(idle_grace_minutes).to_json()}
