"""Tariffs become elements as OCPI says them; prices per minute become prices per hour, nothing changes for anybody.

Tariffs, their history and the frozen terms of running and past sessions are converted in one go.
"""

import hashlib
import json
from decimal import Decimal
from typing import Any

from django.apps.registry import Apps
from django.core.validators import RegexValidator
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 500


def plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def element(per_kwh: str, per_minute: str, per_start: str, idle_per_minute: str, tax_percent: str) -> dict[str, Any]:
    prices = [
        ("ENERGY", Decimal(per_kwh or 0)),
        ("TIME", Decimal(per_minute or 0) * 60),
        ("FLAT", Decimal(per_start or 0)),
        ("PARKING_TIME", Decimal(idle_per_minute or 0) * 60),
    ]
    tax = plain(Decimal(tax_percent or 0))
    components = [
        {"kind": kind, "price": plain(price), "tax_percent": tax, "step": 1}
        for kind, price in prices
        if price or kind == "ENERGY"
    ]
    return {"components": components, "restrictions": {}}


def idle(grace_minutes: int) -> dict[str, Any]:
    return {"grace_minutes": grace_minutes, "cap": "", "pause_from": "", "pause_until": ""}


def convert_rows(model: Any) -> None:
    changed = []
    for row in model.objects.all():
        row.elements = [element(row.per_kwh, row.per_minute, row.per_start, row.idle_per_minute, row.tax_percent)]
        row.idle = idle(row.idle_grace_minutes)
        changed.append(row)
    model.objects.bulk_update(changed, ["elements", "idle"], batch_size=BATCH)


def converted(old: dict[str, Any]) -> dict[str, Any]:
    """Terms of version 1 → version 2. They knew no hours: any zone is right."""
    return {
        "version": 2,
        "currency": old["currency"],
        "elements": [
            element(
                *(
                    old.get(name, "0")
                    for name in ("per_kwh", "per_minute", "per_start", "idle_per_minute", "tax_percent")
                )
            )
        ],
        "tax_included": old["tax_included"],
        "min_price": "",
        "max_price": old.get("max_price") or "",
        "idle": idle(int(old.get("idle_grace_minutes", 0))),
        "time_zone": "UTC",
        "holidays": [],
        "frozen": False,
        "rounding": old.get("rounding", "half_up"),
    }


def digest(terms: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(terms, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def convert(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    convert_rows(apps.get_model("billing", "Tariff"))
    convert_rows(apps.get_model("billing", "HistoricalTariff"))
    snapshots = apps.get_model("billing", "PriceSnapshot")
    changed = []
    for snapshot in snapshots.objects.all():
        if snapshot.terms.get("version") != 2:
            snapshot.terms = converted(snapshot.terms)
            snapshot.digest = digest(snapshot.terms)
            changed.append(snapshot)
    snapshots.objects.bulk_update(changed, ["terms", "digest"], batch_size=BATCH)


NUMBER = RegexValidator(r"^\d{1,9}(\.\d{1,6})?\Z", "A number such as 0.49, with a point")
FLAT = ("per_kwh", "per_minute", "per_start", "idle_per_minute", "idle_grace_minutes", "tax_percent")


def fields() -> dict[str, models.Field]:
    return {
        "elements": models.JSONField(
            default=list, help_text="Elements as OCPI says them (billing.terms.Element as JSON)", verbose_name="prices"
        ),
        "idle": models.JSONField(
            blank=True,
            default=dict,
            help_text="Grace, cap and night pause (billing.terms.Idle as JSON)",
            verbose_name="blocking",
        ),
        "min_price": models.CharField(
            blank=True,
            help_text="Once energy has flowed",
            max_length=20,
            validators=[NUMBER],
            verbose_name="never less than",
            default="",
        ),
        "holidays_of": models.CharField(
            blank=True,
            help_text="A country or part of one: NL, DE-BY",
            max_length=12,
            verbose_name="holidays of",
            default="",
        ),
    }


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_offline_guard")]

    operations = [
        *(
            migrations.AddField(model, name, field, preserve_default=name in ("elements", "idle"))
            for model in ("tariff", "historicaltariff")
            for name, field in fields().items()
        ),
        migrations.RunPython(convert),
        *(migrations.RemoveField(model, name) for model in ("tariff", "historicaltariff") for name in FLAT),
        migrations.AlterField("pricesnapshot", "terms", models.JSONField(help_text="billing.terms.Terms as JSON")),
    ]
