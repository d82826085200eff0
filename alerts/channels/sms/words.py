"""What fits into a text: 160 characters of the GSM alphabet, or 70 when one of them is not in it. No Django."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("^{}\\[~]|€")  # two septets each
LOOKALIKES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "·": "-", "\u00a0": " "}
)


def is_gsm(text: str) -> bool:
    return all(character in BASIC or character in ESCAPED for character in text)


def units(text: str) -> int:
    """Septets of the GSM alphabet, or UTF-16 units."""
    if is_gsm(text):
        return sum(2 if character in ESCAPED else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """How many texts the operator counts (3GPP TS 23.040: longer ones carry a header each)."""
    one, several = (160, 153) if is_gsm(text) else (70, 67)
    size = units(text)
    return 1 if size <= one else -(-size // several)


def fitted(text: str, link: str, most: int) -> str:
    """Words and link in at most `most` segments: typographic marks made plain, then words cut; the link stays whole."""
    words, tail = text.translate(LOOKALIKES), f" {link}" if link and link not in text else ""
    if segments(words + tail) <= most:
        return words + tail
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if segments(words[:middle].rstrip() + "..." + tail) <= most:
            low = middle
        else:
            high = middle - 1
    return words[:low].rstrip() + "..." + tail
