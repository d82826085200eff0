"""Fiscal documents: what they say (`document`, `credit_note`, `goodwill_note`), and their printed form (`pdf`)."""

from .document import credit_note, document, email_of, goodwill_note, language_of, undone_note
from .pdf import about, pdf, title

__all__ = [
    "about",
    "credit_note",
    "document",
    "email_of",
    "goodwill_note",
    "language_of",
    "pdf",
    "title",
    "undone_note",
]
