"""What goes wrong at a provider, in words that say what to do next."""


class GatewayError(Exception):
    """The provider said no, or nothing.

    permanent: asking again cannot help. unknown: no answer came, so the effect may have happened.
    code: the provider's word, for the operator; text: a sentence, never a secret.
    """

    def __init__(self, text: str, *, code: str = "", permanent: bool = False, unknown: bool = False) -> None:
        super().__init__(text)
        self.text, self.code, self.permanent, self.unknown = text, code, permanent, unknown


class BadNotice(Exception):
    """A webhook that is unsigned, wrongly signed, too old, malformed, or of the other mode (test/live)."""
