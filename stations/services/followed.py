"""Commands that have a life after their answer: firmware and logs. `send` asks here, whoever sent them."""

import hashlib
from dataclasses import replace
from typing import Final, NamedTuple

from django.conf import settings

from stations import commands, files
from stations.models import Command, FirmwareFile, Station

from .firmware import firmware_asked, firmware_command_ended
from .logs import log_asked, log_command_ended

KINDS: Final = ("UpdateFirmware", "PublishFirmware", "GetLog")


class Prepared(NamedTuple):
    """`error`: it cannot be sent, and why. `token_digest`: of the link to our own door that it carries."""

    command: commands.Command
    token_digest: str = ""
    error: str = ""


def prepared(station: Station, command: commands.Command) -> Prepared:
    """The command with what we know and its sender left open: the file's address, the door for a log."""
    if isinstance(command, commands.GetLog) and not command.location:
        token = files.new_token()
        return Prepared(replace(command, location=f"{settings.STATIONS_URL}/in/{token}"), digest_of(token))
    if isinstance(command, commands.UpdateFirmware | commands.PublishFirmware):
        return _with_file(station, command)
    return Prepared(command)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _with_file(station: Station, command: commands.UpdateFirmware | commands.PublishFirmware) -> Prepared:
    if command.file_id is None:
        return Prepared(command, error="" if command.location else "neither a firmware file nor an address was given")
    file = FirmwareFile.objects.filter(
        pk=command.file_id, organization=station.organization_id, archived_at=None
    ).first()
    if file is None:
        return Prepared(replace(command, file_id=None), error="there is no such firmware file")
    command = replace(command, location=command.location or link_of(file), version=command.version or file.version)
    if isinstance(command, commands.PublishFirmware):
        return Prepared(replace(command, checksum=command.checksum or file.md5))
    signature = command.signature or file.signature
    return Prepared(replace(command, signature=signature, certificate=command.certificate or file.certificate))


def link_of(file: FirmwareFile) -> str:
    """Where a station fetches it."""
    return file.url or f"{settings.STATIONS_URL}/firmware/{file.token}/{file.file_name}"


def begun(*, row: Command, prepared: Prepared) -> None:
    command = prepared.command
    if isinstance(command, commands.UpdateFirmware | commands.PublishFirmware):
        firmware_asked(row=row, command=command)
    elif isinstance(command, commands.GetLog):
        log_asked(row=row, command=command, token_digest=prepared.token_digest)


def ended(*, row: Command) -> None:
    if row.kind == "GetLog":
        log_command_ended(row=row)
    elif row.kind in KINDS:
        firmware_command_ended(row=row)
