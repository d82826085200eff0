"""Staff's pages of money: looked at, searched, moved by named actions only."""

from . import accounts, books, payments

__all__ = ["accounts", "books", "payments"]
