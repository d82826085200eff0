"""Every address gets the person behind it, every wish its person, every old notification its stable id."""

import uuid

from django.db import migrations


def fill(apps, schema_editor):
    get = lambda name: apps.get_model("alerts", name)  # noqa: E731
    Recipient, Destination = get("Recipient"), get("Destination")
    for row in Destination.objects.filter(recipient=None):
        made = Recipient.objects.create(organization_id=row.organization_id, audience="driver", language=row.language)
        Destination.objects.filter(pk=row.pk).update(recipient=made)
        get("Subscription").objects.filter(destination=row).update(recipient=made)
    for row in get("OperatorContact").objects.all():
        made = Recipient.objects.create(
            organization_id=row.organization_id, audience="operator", name=row.email, least_severity=row.least_severity
        )
        Destination.objects.create(
            organization_id=row.organization_id,
            recipient=made,
            audience="operator",
            address=row.email.lower(),
            confirmed_at=made.created_at,
        )
    get("DeliveryAttempt").objects.filter(ok=True).update(outcome="accepted")
    get("DeliveryAttempt").objects.filter(ok=False).update(outcome="refused")
    for row in get("Notification").objects.filter(public_id=None).only("pk").iterator():
        get("Notification").objects.filter(pk=row.pk).update(public_id=uuid.uuid4())


class Migration(migrations.Migration):

    dependencies = [("alerts", "0005_people_and_rules")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
