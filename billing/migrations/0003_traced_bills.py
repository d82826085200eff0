"""What the proof compares of a trace stands beside it, in columns that the database keeps: opening a year's traces was
half a second. And the few bills that wait for a person are found without reading all of them: every page asks.
"""

import django.db.models.fields.json
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


def of_trace(name: str) -> models.Expression:
    text = django.db.models.fields.json.KeyTextTransform(name, "trace")
    return django.db.models.functions.comparison.Cast(text, models.BigIntegerField())


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_journal_stays"),
        ("charging", "0001_initial"),
        ("core", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="traced_minor",
            field=models.GeneratedField(
                db_persist=True,
                expression=of_trace("total"),
                help_text="The trace's total, kept by the database beside it: a year's traces are too many to open",
                output_field=models.BigIntegerField(null=True),
            ),
        ),
        migrations.AddField(
            model_name="bill",
            name="traced_mwh",
            field=models.GeneratedField(
                db_persist=True,
                expression=of_trace("energy_mwh"),
                help_text="The energy that the trace priced",
                output_field=models.BigIntegerField(null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(
                condition=models.Q(("state", "review")), fields=["organization"], name="bills_to_review"
            ),
        ),
    ]
