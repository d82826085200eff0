"""What drivers are told in the course of things: outages of connectors, prices that they know, charges under way."""

from django.db import models

from evcms.core import clock

from .people import Destination, Recipient


class Outage(models.Model):
    """A connector that drivers cannot use. A fault that flaps is one outage: it ends when it has held for a while.

    `due_at`: when to look whether it is over. At most one per connector is open.
    """

    connector = models.ForeignKey("stations.Connector", models.CASCADE, related_name="+")
    began_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector"], condition=models.Q(closed_at=None), name="one_open_outage_per_connector"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="outages_to_look_at")]

    def __str__(self) -> str:
        return f"{self.connector_id} since {self.began_at:%F %T}"


class KnownPrice(models.Model):
    """The price that those who asked about it know: `terms` as billing.facts packs them, {} for none."""

    connector = models.OneToOneField("stations.Connector", models.CASCADE, primary_key=True, related_name="+")
    terms = models.JSONField(default=dict)
    changed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"price at {self.connector_id}"


class Following(models.Model):
    """Somebody is told how one charge goes: by its payment's link, or because it is his own.

    `to`: the address of the payment, which needs no proof for messages about what it paid for. `told_*` are the last
    steps that he heard of.
    """

    recipient = models.ForeignKey(Recipient, models.CASCADE, related_name="followings", null=True)
    destination = models.ForeignKey(Destination, models.SET_NULL, null=True, related_name="+")
    payment = models.ForeignKey("billing.Payment", models.CASCADE, null=True, related_name="+")
    session = models.ForeignKey("charging.ChargingSession", models.CASCADE, null=True, related_name="+")
    to = models.CharField(max_length=254, blank=True)
    language = models.CharField(max_length=8, default="en")
    topics = models.JSONField(default=list)
    step_mwh = models.BigIntegerField(default=0)
    step_minor = models.IntegerField(default=0)
    told_mwh = models.BigIntegerField(default=0)
    told_minor = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "session"], name="one_following_per_session"),
            models.UniqueConstraint(fields=["recipient", "payment"], name="one_following_per_payment"),
            models.UniqueConstraint(
                fields=["payment", "to"], condition=~models.Q(to=""), name="one_following_per_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient or self.to}: {self.session_id}"
