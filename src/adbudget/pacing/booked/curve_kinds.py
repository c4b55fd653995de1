"""How a plan's column ``curve`` is written -> the curve. A new kind of curve is one entry of KINDS.

The shapes themselves are in ``curves.py``, or in a file of their own that is named here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adbudget.errors import InputError
from adbudget.pacing.booked.curves import Curve, asap, back_loaded, custom, even, front_loaded
from adbudget.tables.messages import quoted

CALL = re.compile(r"(?P<name>[a-z_]+)\s*(?:\((?P<argument>.*)\))?")
USUAL_STEEPNESS = 2.0  # of a curve that is named without one
POINT = re.compile(r"\(\s*([0-9.eE+-]+)\s*,\s*([0-9.eE+-]+)\s*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveKind:
    """One way to write a curve in a plan.

    Attributes
    ----------
    example : as it is written, for messages
    read : what stands in the brackets (None without brackets), and which rows, for messages ->
        the curve; None when the brackets do not hold what they should
    hint : what is missing then
    """

    example: str
    read: Callable[[str | None, str], Curve | None]
    hint: str = ""


def parse_curve(text: str, curves: Mapping[str, Curve], where: str) -> Curve:
    """Read the curve a plan names.

    Parameters
    ----------
    text : the example of one of KINDS, such as "even" or "front_loaded(2)", or a name of ``curves``
    curves : the caller's own, by name; they come first
    where : which rows, for the message

    Raises
    ------
    InputError : none of these
    """
    text = text.strip()
    if text in curves:
        return curves[text]
    match = CALL.fullmatch(text)
    name, argument = (match["name"], match["argument"]) if match else ("", None)
    kind = KINDS.get(name)
    curve = None if kind is None else kind.read(argument, where)
    if curve is not None:
        return curve
    own = f", {quoted(curves)}" if curves else ", or a name of the argument curves"
    hint = "" if kind is None else kind.hint
    if name == "traffic":
        hint = " Learn it first: curves={'traffic': learn_traffic(history)}."
    known = ", ".join(each.example for each in KINDS.values())
    raise InputError(f"curve {text!r} in {where} is unknown. Expected {known}{own}.{hint}")


def number_of(text: str, where: str) -> float:
    """Read a number in the brackets of a curve.

    Raises
    ------
    InputError : it is none
    """
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} in the curve of {where} is not a number.") from None


def _even(argument: str | None, where: str) -> Curve | None:
    return even() if argument is None else None


def _custom(argument: str | None, where: str) -> Curve | None:
    if not argument or re.sub(r"[\s,]", "", POINT.sub("", argument)):
        return None
    pairs = [(number_of(t, where), number_of(share, where)) for t, share in POINT.findall(argument)]
    return custom(pairs, name=f"custom({argument})")


def _asap(argument: str | None, where: str) -> Curve | None:
    return asap() if argument is None else None


def _steep(make: Callable[[float], Curve]) -> Callable[[str | None, str], Curve | None]:
    def read(argument: str | None, where: str) -> Curve | None:
        if argument is None:
            return make(USUAL_STEEPNESS)
        return make(number_of(argument, where)) if argument else None

    return read


KINDS: dict[str, CurveKind] = {
    "even": CurveKind(example="even", read=_even),
    "linear": CurveKind(example="linear", read=_even),
    "asap": CurveKind(example="asap", read=_asap),
    "front_loaded": CurveKind(
        example="front_loaded(2)",
        read=_steep(front_loaded),
        hint=" The steepness of front_loaded is a number: front_loaded(2).",
    ),
    "back_loaded": CurveKind(
        example="back_loaded(2)",
        read=_steep(back_loaded),
        hint=" The steepness of back_loaded is a number: back_loaded(2).",
    ),
    "custom": CurveKind(example="custom((0,0),(0.5,0.7),(1,1))", read=_custom),
}
