"""Minor units and a currency -> the amount people read. Knows ISO 4217, no entries."""

# digits after the point where ISO 4217 has other than two
MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_text(minor: int, currency: str) -> str:
    """230000 EUR -> 2,300.00, exactly."""
    digits = MINOR_DIGITS.get(currency, 2)
    units, rest = divmod(abs(minor), 10**digits)
    fraction = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if minor < 0 else ''}{units:,}{fraction}"
