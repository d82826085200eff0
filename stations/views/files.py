"""The door for files: stations bring logs and fetch firmware, members read logs.

Stations sign in nowhere here; who has the link may use it. Both links have 256 random bits.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.datastructures import MultiValueDict, MultiValueDictKeyError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from evcms.core.access import Access, Permission
from stations import files, services
from stations.models import FirmwareFile, LogUpload

from .configure import own_station
from .member import member

CHUNK: Final = 65_536
MULTIPART: Final = "multipart/"
RANGE: Final = re.compile(r"bytes=(\d{1,18})-(\d{0,18})\Z")  # one span with a beginning: what resuming needs
REFUSED: Final = "This link is not open.\n"


@csrf_exempt
@never_cache
@require_http_methods(["PUT", "POST"])
def bring(request: HttpRequest, token: str, name: str = "") -> HttpResponse:
    """A log: the body as it is, or the first file of a form. Some stations add the file's name to the link."""
    if _announced(request) > settings.LOG_MAX_BYTES + CHUNK:
        return HttpResponse("The file is too large.\n", status=413, content_type="text/plain")
    try:
        services.log_awaited(token)  # before a byte is looked at
        chunks, said = _content(request)
        services.log_received(token=token, file_name=files.plain_name(name or said, ""), chunks=chunks)
    except services.NoSuchLink:
        return HttpResponse(REFUSED, status=404, content_type="text/plain")
    except services.UsedLink:
        return HttpResponse("The file is here already.\n", status=409, content_type="text/plain")
    except files.TooLarge:
        return HttpResponse("The file is too large.\n", status=413, content_type="text/plain")
    except MultiValueDictKeyError:
        return HttpResponse("The form holds no file.\n", status=400, content_type="text/plain")
    return HttpResponse("Stored.\n", status=201, content_type="text/plain")


def _announced(request: HttpRequest) -> int:
    """Bytes that the request says it has; 0 when it does not say."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0


def _content(request: HttpRequest) -> tuple[Iterable[bytes], str]:
    """The bytes, and what the file is called. Raises MultiValueDictKeyError for a form without one."""
    if not (request.content_type or "").startswith(MULTIPART):
        return iter(lambda: request.read(CHUNK), b""), ""
    found = request.FILES if request.method == "POST" else _parsed(request)
    name = next(iter(found), "")
    file = found[name]
    assert isinstance(file, UploadedFile)
    return file.chunks(CHUNK), file.name or ""


def _parsed(request: HttpRequest) -> MultiValueDict[str, UploadedFile]:
    """Django reads forms of POST only."""
    _fields, found = request.parse_file_upload(request.META, request)
    return found


@require_safe
def firmware(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """A station fetches its firmware, whole or from where it broke off."""
    file = FirmwareFile.objects.filter(token=token, archived_at=None).exclude(path="").first()
    if file is None:
        return HttpResponse(REFUSED, status=404, content_type="text/plain")
    return send_file(request, files.whole_path(file.path), file.file_name)


@require_safe
@never_cache
@member(Permission.COMMAND)
def log_file(request: HttpRequest, access: Access, identity: str, pk: int) -> HttpResponseBase:
    """Logs name cards and addresses: for those who may talk to the station."""
    upload = get_object_or_404(LogUpload.objects.exclude(path=""), station=own_station(access, identity), pk=pk)
    name = files.plain_name(upload.file_name, f"{upload.kind}-{upload.pk}.log")
    return send_file(request, files.whole_path(upload.path), name)


def send_file(request: HttpRequest, place: Path, name: str) -> HttpResponseBase:
    """Always as a download: nothing that a station wrote is shown by a browser. Raises Http404 when it is gone."""
    try:
        size = place.stat().st_size
    except OSError:
        raise Http404 from None
    first, last = _span(request.headers.get("Range", ""), size)
    if first > last and size:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    whole = (first, last) == (0, size - 1) or not size
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(last - first + 1),
        "Accept-Ranges": "bytes",
    } | ({} if whole else {"Content-Range": f"bytes {first}-{last}/{size}"})
    body = _bytes(place, first, last) if request.method == "GET" else ()
    return StreamingHttpResponse(
        body, status=200 if whole else 206, content_type="application/octet-stream", headers=headers
    )


def _span(header: str, size: int) -> tuple[int, int]:
    """First and last byte; of what we do not understand the whole file (RFC 9110, 14.2)."""
    found = RANGE.match(header.strip())
    if not found:
        return 0, size - 1
    first, last = int(found[1]), int(found[2] or size - 1)
    return (first, min(last, size - 1)) if first <= last or first >= size else (0, size - 1)


async def _bytes(place: Path, first: int, last: int) -> AsyncIterator[bytes]:
    """Asynchronous: of a synchronous one the server would read the whole file into memory first."""
    with await asyncio.to_thread(place.open, "rb") as source:
        source.seek(first)
        left = last - first + 1
        while left > 0 and (chunk := await asyncio.to_thread(source.read, min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
