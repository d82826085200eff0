"""Recomputes receipts from their JSON, with nothing but Python 3: python3 recompute_receipt.py receipt.json …

Says for each line what it should be, and for each receipt whether all of it adds up; exit status 1 if one does not.
The rules: a line is quantity × unit price ÷ per, rounded once to the currency's smallest unit. The total is the sum of
the lines. Tax is taken from (or put on) the sum of each rate, once. A cap or a lowest price replaces the total.
"""

import json
import sys
from collections import defaultdict
from fractions import Fraction

NONE, THREE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", "BHD IQD JOD KWD LYD OMR TND"
DECIMALS = dict.fromkeys(NONE.split(), 0) | dict.fromkeys(THREE.split(), 3)  # all others: 2 (ISO 4217)
COUNTED, BOUNDS = ("energy", "time", "start", "idle"), ("cap", "minimum")


def rounded(number: Fraction, how: str) -> int:
    whole, rest = divmod(number, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (how == "half_up" or whole % 2 == 1))
    return int(whole) + up


def problems(receipt: dict) -> list[str]:
    sign = -1 if receipt.get("kind") == "credit" else 1  # a credit note takes all of it back
    minor = 10 ** DECIMALS.get(receipt["currency"], 2)
    lines, found = receipt["lines"], []
    tax = receipt["tax"] if isinstance(receipt["tax"], dict) else {**receipt, "included": receipt["tax_included"]}
    how = lines[0]["rounding"] if lines else "half_up"
    sums, taxes, bounds = defaultdict(int), defaultdict(int), {}
    for line in lines:
        amount, rate = sign * line["amount"], Fraction(line["tax_percent"])
        worth = Fraction(line["unit_price"]) * minor
        if line["part"] in COUNTED and amount != (due := rounded(line["quantity"] * worth / line["per"], how)):
            found.append(f"{line['part']}: {amount} is not {due}")
        if line["part"] in (*BOUNDS, "idle_cap"):
            bounds[line["part"]] = rounded(worth, how)
        (taxes if line["part"] == "tax" else sums)[rate] += amount
    parts = {
        name: sum(sign * line["amount"] for line in lines if line["part"] == name) for name in ("idle", "idle_cap")
    }
    if "idle_cap" in bounds and sum(parts.values()) != bounds.pop("idle_cap"):
        found.append("the blocking fee is not its cap")
    net = 0
    for rate, amount in sums.items():
        if receipt.get("partial"):  # money given back: what is left of each rate's net and tax, see the credit note
            net, wrong = sign * tax["net"], False
        elif tax["included"] or bounds:  # the sum with tax is given, the net part follows
            net += (part := rounded((amount + taxes[rate]) * 100 / (100 + rate), how))
            wrong = not tax["included"] and part != amount
        else:
            net += amount
            wrong = taxes[rate] != rounded(amount * rate / 100, how)
        found += [f"the tax of {float(rate)} % is wrong"] if wrong else []
    total = sum(sums.values()) + sum(taxes.values())
    said = (sign * receipt["total"], sign * tax["net"], sign * tax["tax"])
    found += (
        [f"total, net, tax: {said} is not {(total, net, total - net)}"] if said != (total, net, total - net) else []
    )
    return found + [f"the total is not the {name} of {bound}" for name, bound in bounds.items() if total != bound]


def main(paths: list[str]) -> int:
    wrong = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found = problems(json.load(file))
        print(f"{path}: {'; '.join(found) or 'adds up'}")
        wrong += bool(found)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
