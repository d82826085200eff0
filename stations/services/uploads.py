"""Files that come in: logs from stations, by a link that works once, and firmware from people."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from stations import files
from stations.models import FirmwareFile, LogUpload
from stations.reports import LogState
from stations.texts import fit

from .followed import digest_of
from .logs import move_log

FIRMWARE_FIELDS: Final = ("name", "version", "vendor", "model", "url", "md5", "signature", "certificate")
SCHEMES: Final = ("http://", "https://", "ftp://", "ftps://", "sftp://")


class NoSuchLink(Exception):
    """Never made, or no longer open: whoever guesses learns nothing more."""


class UsedLink(Exception):
    """The file of this link is here already."""


def log_received(*, token: str, file_name: str, chunks: Iterable[bytes]) -> LogUpload:
    """A station brings the file that it was asked for. Raises NoSuchLink, UsedLink, files.TooLarge, OSError.

    Of two who bring one at once the first that is whole wins. The file is evidence: the log counts as uploaded, said or
    not.
    """
    found = log_awaited(token)
    stored = files.store("logs", chunks, most=settings.LOG_MAX_BYTES)
    try:
        with transaction.atomic():
            upload = LogUpload.objects.select_for_update().get(pk=found.pk)
            if upload.path:
                raise UsedLink
            now = clock.now()
            upload.path, upload.size, upload.sha256, upload.stored_at = stored.path, stored.size, stored.sha256, now
            upload.file_name = upload.file_name or fit(file_name, 255)
            upload.save(update_fields=["path", "size", "sha256", "stored_at", "file_name"])
            move_log(upload, LogState.UPLOADED, now)
    except BaseException:
        files.remove(stored.path)
        raise
    return upload


def log_awaited(token: str) -> LogUpload:
    """The upload of a link. Raises NoSuchLink, UsedLink.

    A station whose file came although its answer did not may bring it again: it is told that it is here.
    """
    upload = LogUpload.objects.filter(token_digest=digest_of(token), expires_at__gt=clock.now()).first()
    if upload is None or upload.state in (LogState.REFUSED, LogState.CANCELLED):
        raise NoSuchLink
    if upload.path:
        raise UsedLink
    return upload


def add_firmware(
    *, access: Access, values: Mapping[str, Any], chunks: Iterable[bytes] | None = None, file_name: str = ""
) -> FirmwareFile:
    """A firmware for the organization's stations: its bytes, or the address where it lies. Any: texts of a form.

    Raises PermissionDenied, ValidationError by field.
    """
    access.demand(Permission.STATIONS)
    _all_sites(access)
    file = FirmwareFile(organization=access.organization, created_by=access.user, token=files.new_token())
    for name in FIRMWARE_FIELDS:
        setattr(file, name, str(values.get(name) or "").strip())
    if (chunks is None) == (not file.url):
        raise ValidationError({"url": [_("Give either a file or an address.")]})
    if file.url and not file.url.lower().startswith(SCHEMES):
        raise ValidationError(
            {"url": [_("The address must begin with https://, http://, ftp://, ftps:// or sftp://.")]}
        )
    file.full_clean(exclude=["organization", "created_by"])
    if chunks is not None:
        _take(file, chunks, file_name)
    try:
        with transaction.atomic():
            file.save()
            audit.record(access, "firmware.added", file, version=file.version, sha256=file.sha256, url=file.url)
    except BaseException:
        files.remove(file.path)
        raise
    return file


def _take(file: FirmwareFile, chunks: Iterable[bytes], file_name: str) -> None:
    try:
        stored = files.store("firmware", chunks, most=settings.FIRMWARE_MAX_BYTES)
    except files.TooLarge:
        text = _("The file is larger than %(most)d MB.") % {"most": settings.FIRMWARE_MAX_BYTES // 1_048_576}
        raise ValidationError({"file": [text]}) from None
    file.path, file.size, file.sha256, file.md5 = stored
    file.file_name = files.plain_name(file_name, "firmware.bin")


def archive_firmware(*, access: Access, file: FirmwareFile) -> None:
    """It is offered no more and its link ends; what was installed stays on record. Raises PermissionDenied."""
    access.demand(Permission.STATIONS)
    _all_sites(access)
    with transaction.atomic():
        mine = FirmwareFile.objects.filter(pk=file.pk, organization=access.organization, archived_at=None)
        if mine.update(archived_at=clock.now(), path=""):
            audit.record(access, "firmware.archived", file, version=file.version)
            transaction.on_commit(lambda: files.remove(file.path))


def _all_sites(access: Access) -> None:
    if not access.all_sites:
        raise PermissionDenied(_("Only members of all sites keep the firmware files."))
