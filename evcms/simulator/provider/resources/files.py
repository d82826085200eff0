"""Files: evidence for disputes. Only name, size and checksum are kept, not the content."""

import hashlib
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import PurePath
from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import ApiError, JsonObject, required
from evcms.simulator.provider.routing import listing, retrieve

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

PURPOSES = ("dispute_evidence", "business_logo", "business_icon", "additional_verification", "identity_document")
LARGEST = 4 * 1024 * 1024

retrieve("/v1/files/{id}", "file", "FileRetrieveParams")
listing("/v1/files", "file", "FileListParams", {"purpose": "purpose"})


def upload(call: "Call", content_type: str, body: bytes) -> JsonObject:
    """Take a multipart upload with the parts `file` and `purpose`."""
    parts = _parts(content_type, body)
    for name in ("purpose", "file"):
        if name not in parts:
            raise required(name)
    purpose = parts["purpose"][1].decode(errors="replace").strip()
    if purpose not in PURPOSES:
        raise ApiError(f"Invalid purpose: must be one of {', '.join(PURPOSES)}", param="purpose")
    filename, content = parts["file"]
    return call.save(_file(call, purpose, PurePath(filename or "file").name, content))


def _file(call: "Call", purpose: str, filename: str, content: bytes) -> JsonObject:
    identifier = call.new_id("file")
    return {
        "id": identifier,
        "object": "file",
        "created": call.now,
        "expires_at": None,
        "filename": filename,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={identifier}"},
        "purpose": purpose,
        "size": len(content),
        "title": None,
        "type": filename.rpartition(".")[2].lower() or None,
        "url": f"{call.provider.public_url}/v1/files/{identifier}/contents",
        "_sha256": hashlib.sha256(content).hexdigest(),
    }


def _parts(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """Name → (file name, content) of each part of multipart/form-data."""
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    if not message.is_multipart():
        raise ApiError("Files are uploaded as multipart/form-data.")
    found: dict[str, tuple[str | None, bytes]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = (part.get_filename(), content)
    return found
