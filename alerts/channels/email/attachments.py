"""Documents that are made when the mail leaves: a notification names them (`receipt:12`) instead of carrying bytes."""

from billing import facts as billing


def load(names: list[str]) -> list[tuple[str, bytes, str]]:
    """(file name, content, MIME type) of each. Raises LookupError for a name that nobody makes."""
    return [_load(*name.split(":", 1)) for name in names]


def _load(kind: str, key: str) -> tuple[str, bytes, str]:
    if kind != "receipt":
        raise LookupError(f"no attachment of kind {kind!r}")
    number, content = billing.receipt_pdf(int(key))
    return f"receipt-{number}.pdf", content, "application/pdf"
