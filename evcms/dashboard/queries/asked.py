"""What a bulk action does, in words: to which site, which tags, which firmware, when."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from evcms.core.access import Access
from evcms.templatetags import figures
from stations.models import BulkAction, BulkKind, FirmwareFile, Site


def asked(access: Access, action: BulkAction) -> list[tuple[str, str]]:
    """(label, value); nothing before it is confirmed. A variable's value may be a secret and is not told."""
    said: dict[str, Any] = action.params  # Any: JSON, as `stations.services.bulk` keeps it
    match action.kind:
        case BulkKind.SITE if said:
            return [(_("New site"), _name(Site.objects.filter(organization=access.organization), said["site"]))]
        case BulkKind.FIRMWARE if said:
            files = FirmwareFile.objects.filter(organization=access.organization)
            return [(_("Firmware file"), _name(files, said["file"]))]
        case BulkKind.TAG | BulkKind.UNTAG if said:
            return [(_("Tags"), ", ".join(said["tags"]))]
        case BulkKind.VARIABLE if said:
            return [(_("Variable"), said["key"])]
        case BulkKind.MAINTENANCE if said:
            zone = access.organization.time_zone
            moments = (figures.at_zone(datetime.fromisoformat(said[name]), zone) for name in ("starts_at", "ends_at"))
            return [(_("What is done"), said["title"]), (_("When"), " – ".join(moments))]
    return []


def _name(rows: Any, key: int) -> str:
    """Any: rows of a model."""
    found = rows.filter(pk=key).first()
    return str(found) if found else _("it is there no more")
