"""Words of the trigger language that are no metrics: keywords, durations, signs of currencies.

Knows nothing of grammar or readings.
"""

AND, OR, NOT, IN, FOR = "and", "or", "not", "in", "for"
KEYWORDS = (AND, OR, NOT, IN, FOR)
DAYS_IN = {  # as (numerator, denominator) of a day
    **dict.fromkeys(("h", "hour", "hours"), (1, 24)),
    **dict.fromkeys(("d", "day", "days"), (1, 1)),
    **dict.fromkeys(("w", "week", "weeks"), (7, 1)),
}
CURRENCIES_OF = {  # "$" is the sign of many currencies; a sign only contradicts those it is not of
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS", "TWD"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
}
