"""What the early-fault alarm knows of each connector."""

from django.db import models

from evcms.core import clock


class ConnectorHealth(models.Model):
    """The control charts of one connector (alerts.early.judge.Health as JSON); `alarmed_at` while they alarm."""

    connector = models.OneToOneField("stations.Connector", models.CASCADE, primary_key=True, related_name="+")
    state = models.JSONField(default=dict)
    alarmed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "connector health"
        indexes = [
            models.Index(fields=["alarmed_at"], condition=models.Q(alarmed_at__isnull=False), name="health_alarmed")
        ]

    def __str__(self) -> str:
        return f"connector {self.connector_id}"
