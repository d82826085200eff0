"""Webhooks: the answer to the call is all that is ever told, and `send` has it."""
