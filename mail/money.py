"""Amounts as people write them. Pure."""

MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217: digits after the point, where they are not two."""


def money(minor_units: int, currency_code: str, *, thousands: str = ",", point: str = ".") -> str:
    """`money(1250, "USD")` is `12.50 USD`; exact at any size."""
    digits = MINOR_DIGITS.get(currency_code, 2)
    whole, rest = divmod(abs(minor_units), 10**digits)
    sign = "-" if minor_units < 0 else ""
    written = f"{sign}{whole:,}".replace(",", thousands)
    return f"{written}{point}{rest:0{digits}} {currency_code}" if digits else f"{written} {currency_code}"
