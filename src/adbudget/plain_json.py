"""Any of our values -> plain JSON values, and text with no orders and no secrets for its reader.

The one place that says how a Decimal, an instant, a missing or an infinite number is written.
Imports no numpy and no pandas, though it takes what they make.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, Literal

from adbudget.errors import InputError


def to_plain(
    value: Any, *, where: str = "value", infinite: Literal["null", "text"] = "null"
) -> Any:
    """Say the same in what JSON knows.

    Parameters
    ----------
    value : a record (dataclass), mapping, list, tuple, numpy array or one value
    where : what messages call it
    infinite : an infinite number becomes null, or the text "inf" or "-inf", from which it can be
        read again

    Returns
    -------
    Records and mappings as dicts with text keys, sequences as lists; Decimals as exact text, dates
    and instants as ISO text; None for what is missing (NaN, NaT, NA)

    Raises
    ------
    InputError : something else, such as a set or a function
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return str(float(value)) if infinite == "text" and value == value else None
    if isinstance(value, Mapping):
        return {
            str(name): to_plain(item, where=f"{where}.{name}", infinite=infinite)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        if set(map(type, value)) <= _SAID_ALREADY:  # long lists are of numbers or of names
            return list(value)
        return [to_plain(item, where=where, infinite=infinite) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        named = {name: getattr(value, name) for name in _field_names(type(value))}
        return to_plain(named, where=where, infinite=infinite)
    if hasattr(value, "tolist"):
        array: Any = value
        listed = _listed(array)
        if array.dtype.kind == "f" and array.ndim == 1 and infinite == "null":
            return [number if math.isfinite(number) else None for number in listed]
        return to_plain(listed, where=where, infinite=infinite)
    return _one(value, where)


_SAID_ALREADY = {int, str, bool, NoneType}


@cache
def _field_names(record: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(record))


def _listed(array: Any) -> Any:
    """What a numpy array or scalar holds; nanoseconds would come out as bare numbers."""
    return (array.astype("datetime64[us]") if array.dtype.kind == "M" else array).tolist()


def _one(value: Any, where: str) -> str | None:
    """What is a single value and yet no JSON."""
    if type(value).__name__ == "NAType" or value != value:  # NaT and NaN differ from themselves
        return None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):  # instants are dates, too
        return value.isoformat()
    raise InputError(
        f"{where} holds {value!r} of type {type(value).__name__}, which has no form in JSON. Use "
        "numbers, text, dates, missing values, and lists or mappings of them."
    )


# Control characters (with DEL and the C1 set, which hold escape sequences), marks that turn the
# direction of text around or take no place, and the separators of lines and paragraphs.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str, *, keep: str = "") -> str:
    r"""Text in which a terminal, a log or a page finds nothing to obey: it is shown, as \u001b.

    Parameters
    ----------
    text : any, such as the name of a campaign
    keep : characters to leave alone, such as a newline that is meant
    """

    def shown(found: re.Match) -> str:
        mark = found[0]
        return mark if mark in keep else _escaped(mark)

    return _OBEYED.sub(shown, text)


def _escaped(mark: str) -> str:
    r"""As JSON writes it: \u202e, or two of them."""
    return json.dumps(mark).strip('"') if mark >= "\x7f" else f"\\u{ord(mark):04x}"


# Up to the last @ before a blank, for a password may hold one.
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^\s\"'<>]*@")
_SECRET = re.compile(r"((?i:password|token|secret|key)=)[^&\s]+")


def without_passwords(text: str) -> str:
    """Text whose addresses are shown without their passwords.

    >>> without_passwords("postgresql+psycopg://ann:secret@db/ads")
    'postgresql+psycopg://ann:***@db/ads'
    """
    return _PASSWORD.sub(r"\1:***@", text)


def without_secrets(text: str) -> str:
    """As :func:`without_passwords`, and without keys that stand in the query of an address."""
    return _SECRET.sub(r"\1***", without_passwords(text))
