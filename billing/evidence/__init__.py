"""What proves a charging session to a cardholder's bank: facts, messages, samples, price, receipt, time-line.

`pdf`: the paper that the bank reads; `pack`: everything as one ZIP; `statement`: the sentences of the submission.
"""

from .facts import case_of, statement
from .pack import pack
from .paper import pdf, receipt_pdf

__all__ = ["case_of", "pack", "pdf", "receipt_pdf", "statement"]
