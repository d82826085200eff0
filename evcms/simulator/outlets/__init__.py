"""Behind the channels in the demo and in tests: an SMS provider, a push service, a webhook receiver, a chat.

Real servers on loopback, reached as the real ones are; all that comes ends in the inbox beside the mails.
"""

from .routes import Outlets

__all__ = ["Outlets"]
