"""What stays of a message when its words and its address are forgotten: that it was sent, and when."""

from typing import Any, Final

WORDLESS: Final[dict[str, Any]] = {  # Any: what columns take
    "to": "", "subject": "", "text": "", "html": "", "short": "", "data": {}, "headers": {},
}  # fmt: skip
