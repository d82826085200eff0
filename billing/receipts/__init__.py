"""Receipts: what they say (`document`), and their printed form (`pdf`)."""

from .document import document
from .pdf import pdf

__all__ = ["document", "pdf"]
