"""Fiscal documents: what they say (`document`, `credit_note`), and their printed form (`pdf`)."""

from .document import credit_note, document, email_of, language_of
from .pdf import about, pdf, title

__all__ = ["about", "credit_note", "document", "email_of", "language_of", "pdf", "title"]
