"""Amounts as the provider counts them: integers in its own smallest unit of each currency.

Sources: the provider's pages "Supported currencies" (zero- and three-decimal currencies, special cases,
minimum amounts) and "Charge amounts". A hold below the minimum is refused, so a small final amount has to be
released by the caller.
"""

from evcms.simulator.provider.errors import ApiError

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Without minor units in ISO 4217, yet counted in hundredths here for backward compatibility.
WHOLE_HUNDREDS = frozenset({"isk", "ugx"})
TWO_DECIMAL = frozenset(
    [
        "aed",
        "afn",
        "all",
        "amd",
        "ang",
        "aoa",
        "ars",
        "aud",
        "awg",
        "azn",
        "bam",
        "bbd",
        "bdt",
        "bgn",
        "bmd",
        "bnd",
        "bob",
        "brl",
        "bsd",
        "bwp",
        "byn",
        "bzd",
        "cad",
        "cdf",
        "chf",
        "cny",
        "cop",
        "crc",
        "cve",
        "czk",
        "dkk",
        "dop",
        "dzd",
        "egp",
        "etb",
        "eur",
        "fjd",
        "fkp",
        "gbp",
        "gel",
        "gip",
        "gmd",
        "gtq",
        "gyd",
        "hkd",
        "hnl",
        "htg",
        "huf",
        "idr",
        "ils",
        "inr",
        "jmd",
        "kes",
        "kgs",
        "khr",
        "kyd",
        "kzt",
        "lak",
        "lbp",
        "lkr",
        "lrd",
        "lsl",
        "mad",
        "mdl",
        "mkd",
        "mmk",
        "mnt",
        "mop",
        "mur",
        "mvr",
        "mwk",
        "mxn",
        "myr",
        "mzn",
        "nad",
        "ngn",
        "nio",
        "nok",
        "npr",
        "nzd",
        "pab",
        "pen",
        "pgk",
        "php",
        "pkr",
        "pln",
        "qar",
        "ron",
        "rsd",
        "rub",
        "sar",
        "sbd",
        "scr",
        "sek",
        "sgd",
        "shp",
        "sle",
        "sos",
        "srd",
        "std",
        "szl",
        "thb",
        "tjs",
        "top",
        "try",
        "ttd",
        "twd",
        "tzs",
        "uah",
        "usd",
        "uyu",
        "uzs",
        "wst",
        "xcd",
        "yer",
        "zar",
        "zmw",
    ]
)
SUPPORTED = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_HUNDREDS | TWO_DECIMAL

MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
LARGEST = 99_999_999

_SYMBOLS = {"eur": "€", "gbp": "£", "usd": "$", "jpy": "¥", "inr": "₹"}

# The double's price list: 1.5 % and a fixed part where one is usual; a lost or running dispute costs 20 units.
FEE_PER_MILLE = 15
FIXED_FEE = {"eur": 25, "gbp": 20, "usd": 30, "chf": 30, "sek": 180, "dkk": 180, "nok": 200, "pln": 100}
DISPUTE_FEE = {"eur": 2000, "gbp": 2000, "usd": 1500, "chf": 2000}


def check_currency(currency: str, param: str = "currency") -> str:
    code = currency.lower()
    if code not in SUPPORTED:
        raise ApiError(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(sorted(SUPPORTED))}",
            param=param,
        )
    return code


def check_amount(amount: int, currency: str, param: str = "amount") -> int:
    """A chargeable amount: positive, at least the currency's minimum, in a step that cards can settle."""
    if amount < 1:
        raise ApiError("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param)
    if amount > LARGEST:
        raise ApiError(
            f"Amount must be no more than {written(LARGEST, currency)}", code="amount_too_large", param=param
        )
    check_step(amount, currency, param)
    if amount < MINIMUM.get(currency, 1):
        raise ApiError(
            f"Amount must be at least {written(MINIMUM[currency], currency)}",
            code="amount_too_small",
            param=param,
        )
    return amount


def check_step(amount: int, currency: str, param: str) -> None:
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_HUNDREDS else 1
    if amount % step:
        raise ApiError(
            f"Invalid amount: in {currency.upper()} the amount must be divisible by {step}.",
            code="invalid_charge_amount",
            param=param,
        )


def exponent(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def written(amount: int, currency: str) -> str:
    """`12.50 EUR`, digits as the currency has them."""
    places = exponent(currency)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(places + 1, "0")
    number = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"{sign}{number} {currency.upper()}"


def price(amount: int, currency: str) -> str:
    """`€12.50` where the currency has a well-known sign, else `12.50 SEK`."""
    number, code = written(amount, currency).split(" ")
    return f"{_SYMBOLS[currency]}{number}" if currency in _SYMBOLS else f"{number} {code}"


def fee(amount: int, currency: str) -> int:
    """What the provider keeps of a captured amount: the share rounded half up, plus the fixed part."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FIXED_FEE.get(currency, 0)
