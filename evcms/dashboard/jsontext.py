"""JSON made readable without touching a digit: what a station wrote is evidence, 1.10 stays 1.10."""

MOST = 200_000  # characters; the rest of a giant message is not worth a browser's life
STEP = "  "
OPEN, CLOSE = "{[", "}]"


def pretty(text: str) -> str:
    """Line breaks and indentation outside of strings; what is no JSON comes back as it is."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for place, sign in enumerate(text[:MOST]):
        if quoted:
            out.append(sign)
            quoted, escaped = sign != '"' or escaped, sign == "\\" and not escaped
        elif sign in OPEN and _closes_at_once(text, place):
            out.append(sign)
        elif sign in OPEN:
            depth += 1
            out.append(sign + "\n" + STEP * depth)
        elif sign in CLOSE and out and out[-1] in OPEN:
            out.append(sign)
        elif sign in CLOSE:
            depth = max(0, depth - 1)
            out.append("\n" + STEP * depth + sign)
        elif sign == ",":
            out.append(",\n" + STEP * depth)
        elif sign == ":":
            out.append(": ")
        elif not sign.isspace():
            quoted = sign == '"'
            out.append(sign)
    return "".join(out) + ("\n…" if len(text) > MOST else "")


def _closes_at_once(text: str, place: int) -> bool:
    rest = text[place + 1 : place + 40].lstrip()
    return bool(rest) and rest[0] in CLOSE
