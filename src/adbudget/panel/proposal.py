"""Tables that nobody has described -> a whole reading of them, tried, and what in it is a guess.

What is given stays; the rest is found by names and values, once, and read. A person decides.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel
from adbudget.panel.unit_value import counts_things
from adbudget.tables.dates import looks_like_date
from adbudget.tables.layout import find_layout
from adbudget.tables.messages import every_quoted
from adbudget.tables.roles import DEFAULT_NAMES, column_of, matching_columns
from adbudget.tables.totals import is_total_row
from adbudget.tables.written import split_amount

LOOKED_AT = 300
MOST_CHANNELS, MOST_ACCOUNTS = 60, 2_000
ROUNDS = 5  # remedies of errors that are tried one after another
MONEY = r"revenue|sales|turnover|umsatz|income|gmv|\brev\b"
WORDS = {
    "spend": r"spend|spent|cost|costs|ad ?spend|advertising|advert|kosten|ausgaben|budget",
    "outcome": rf"{MONEY}|purchases.*price|\by\b|kpi|target|outcome",
    "count": r"conversions?|orders?|purchases|leads?|sign ?ups?|quotes|installs|transactions",
    "account": r"account|client|brand|customer|geo|store|shop|country|region|market|territory|"
    r"location|organisation|organization|series|timeseries",
    "channel": r"channel|platform|source|medium|network|publisher|"
    r"kanal|kanaal|canal|canale|plattform",
    "control": r"control|promo|promotion|event|holiday|competitor|weather|temperature",
    "currency": r"currency|currency code",
}
RATE = r"click|cpc|cpm|cpa|rate|%|ctr|per conversion|impression|/"
SAID = {
    "duplicates": "several rows of one account, channel and date are read as parts and summed; "
    "if they are copies, drop them instead",
    "missing_spend": "spend that is missing inside a channel's life is read as no spend",
    "resample": "spend and outcome have different periods and are summed to the coarser one",
    "columns": "the outcome is what the ad platforms credit to themselves; the shop's own revenue "
    "is better",
}
HARMLESS = ("resample", "columns")  # remedies that only one reading has


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A whole reading of some tables.

    Attributes
    ----------
    options : arguments of :func:`adbudget.read_panel`, those given included
    found : what plays which part, in words: (part, how)
    doubts : what could be read in another way; a person must decide
    cautions : what is so and worth knowing
    panel : what the options read; None when they do not, and ``problem`` says why
    """

    options: Mapping[str, Any]
    found: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    panel: Panel | None = None
    problem: str = ""


@dataclass(slots=True)
class _Guess:
    """What is found so far."""

    columns: dict[str, Hashable] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


def propose(
    data: Sequence[pd.DataFrame], outcome: Sequence[pd.DataFrame], given: Mapping[str, Any]
) -> Proposed:
    """Guess every part of a reading, and try it.

    Parameters
    ----------
    data, outcome : tables with the spend, and with the outcome where it is apart
    given : arguments of :func:`adbudget.read_panel` that stay as they are
    """
    guess = _Guess(columns=dict(given.get("columns") or {}))
    layouts = [find_layout(frame, given.get("layout"), "the table") for frame in data]
    if not any(layouts):
        _guess_table(data[0], guess, given, with_outcome=not outcome)
    if outcome and "layout" not in given and find_layout(outcome[0], None, "the table") is None:
        _guess_outcome_table(outcome[0], guess, given)
    options = {**given, **guess.options}
    if guess.columns:
        options["columns"] = guess.columns
    tables = [*data], [*outcome]
    if guess.derive:
        options["derive"] = guess.derive
    return _tried(tables, options, guess)


def _tried(
    tables: tuple[list[pd.DataFrame], list[pd.DataFrame]], options: dict[str, Any], guess: _Guess
) -> Proposed:
    """Read, and take up what errors propose, one after another."""
    from adbudget.tables.derived import add_derived

    cautions: list[str] = []
    panel, problem = None, ""
    for _ in range(ROUNDS):
        reading = {name: value for name, value in options.items() if name != "derive"}
        try:
            data = list(add_derived(tables[0], options.get("derive", {})))
            panel = read_panel(data, tables[1] or None, **reading)
            problem = ""
            break
        except InputError as error:
            problem = str(error)
            news = {key: v for key, v in error.remedy.items() if not _has(options, key, v)}
            if not news:
                break
            for key, value in news.items():
                own: Any = options.get(key)
                if isinstance(value, Mapping) and isinstance(own, Mapping):
                    value = {**own, **value}
                options[key] = value
                (cautions if key in HARMLESS else guess.doubts).append(SAID.get(key, key))
    return Proposed(
        options=options,
        found=tuple(_in_words(options, panel)),
        doubts=tuple(guess.doubts),
        cautions=tuple(cautions),
        panel=panel,
        problem=problem,
    )


def _has(options: Mapping[str, Any], key: str, value: object) -> bool:
    if isinstance(value, Mapping) and isinstance(options.get(key), Mapping):
        return all(options[key].get(name) == item for name, item in value.items())
    return options.get(key) == value


def _in_words(options: Mapping[str, Any], panel: Panel | None) -> list[tuple[str, str]]:
    """Part of the reading -> what plays it."""
    columns = options.get("columns", {})
    said = [(role, f"column {name!r}") for role, name in columns.items()]
    lists = ("channels", "controls")
    said += [(key, every_quoted(options[key])) for key in lists if options.get(key)]
    said += [("derived", f"{name} = {text}") for name, text in options.get("derive", {}).items()]
    others = ("columns", "channels", "controls", "derive", "today")
    said += [(key, f"{value}") for key, value in options.items() if key not in others]
    if panel is not None:
        span = f"{panel.dates[0]} to {panel.dates[-1]}"
        said.append(("period", f"{panel.period}, {panel.n_periods} periods, {span}"))
        said.append(("accounts", every_quoted(panel.accounts)))
        said.append(("channels read", every_quoted(panel.channels)))
        codes = sorted({code for code in panel.currency if code})
        said.append(("currency", ", ".join(codes) or "not stated: --currency CODE"))
        if (panel.margin == 1).all():
            said.append(("margin", "100% of the outcome, as nobody says less: --margin SHARE"))
    return said


# Guesses -----------------------------------------------------------------------------------------


def _guess_table(
    frame: pd.DataFrame, guess: _Guess, given: Mapping[str, Any], *, with_outcome: bool
) -> None:
    dates = _dates(frame)
    if "date" not in guess.columns and not matching_columns(frame, "date") and dates:
        guess.columns["date"] = dates[0]
        if len(dates) > 1:
            guess.doubts.append(f"the date may also be {every_quoted(dates[1:])}")
    date = guess.columns.get("date", next(iter(matching_columns(frame, "date")), None))
    numeric = [name for name in frame.columns if name != date and _is_numeric(frame[name])]
    channel = _channel(frame, guess, numeric)
    spends = _spend(frame, numeric, guess)
    if channel is not None and len(spends) == 1:
        if not matching_columns(frame, "spend"):
            guess.columns.setdefault("spend", spends[0])
    elif spends and "channels" not in given and "channel" not in guess.columns:
        suffixed = [name for name in frame.columns if str(name).casefold().endswith("spend")]
        if spends != suffixed:
            guess.options["channels"] = [str(name) for name in spends]
        channel = None
    if date is not None:
        _account(frame, date, channel, guess, numeric)
    if not matching_columns(frame, "currency"):
        codes = [name for name in _named(frame, "currency") if name not in numeric]
        if codes:
            guess.columns.setdefault("currency", codes[0])
    if with_outcome:
        _outcome(frame, [name for name in numeric if name not in spends], guess, given)
    if "controls" not in given:
        used = {*guess.columns.values(), *spends}
        controls = [
            str(name)
            for name in _named(frame, "control")
            if name in numeric and name not in used and bool(column_of(frame, name).notna().all())
        ]
        if controls:
            guess.options["controls"] = controls


def _guess_outcome_table(frame: pd.DataFrame, guess: _Guess, given: Mapping[str, Any]) -> None:
    """Date, account and outcome of a table of its own, where no column plays the part already."""
    dates = _dates(frame)
    known = [name for name in guess.columns.values() if name in frame.columns]
    if not matching_columns(frame, "date") and not any(name in dates for name in known) and dates:
        if "date" in guess.columns:
            return  # the spend's own: one name cannot say both
        guess.columns["date"] = dates[0]
        if len(dates) > 1:
            guess.doubts.append(f"the outcome's date may also be {every_quoted(dates[1:])}")
    found = [name for name in known if name in dates] or dates[:1]
    date = next(iter(matching_columns(frame, "date")), found[0] if found else None)
    numeric = [name for name in frame.columns if name != date and _is_numeric(frame[name])]
    if date is not None:
        _account(frame, date, None, guess, numeric)
    _outcome(frame, numeric, guess, given)


def _words_of(name: Hashable) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return " ".join(re.sub(r"[_\-.]+", " ", spaced).casefold().split())


def _named(frame: pd.DataFrame, part: str) -> list[Hashable]:
    pattern = re.compile(rf"\b(?:{WORDS[part]})\b")
    return [name for name in frame.columns if pattern.search(_words_of(name))]


def _sample(values: Any) -> list:
    return values.dropna().iloc[:LOOKED_AT].tolist()


def _dates(frame: pd.DataFrame) -> list[Hashable]:
    """Columns of dates, those with more different ones first."""
    found = []
    for name in frame.columns:
        sample = _sample(frame[name])
        if sample and np.mean([looks_like_date(value) for value in sample]) > 0.95:
            found.append(name)
    return sorted(found, key=lambda name: -frame[name].nunique())


def _is_numeric(values: Any) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype):
        return False
    if pd.api.types.is_numeric_dtype(values.dtype):
        return True
    sample = [value for value in _sample(values) if not is_total_row([value])]
    amounts = [not isinstance(v, str) or split_amount(v) is not None for v in sample]
    return bool(sample) and float(np.mean(amounts)) > 0.9


def _channel(frame: pd.DataFrame, guess: _Guess, numeric: list[Hashable]) -> Hashable | None:
    own = guess.columns.get("channel") or next(iter(matching_columns(frame, "channel")), None)
    if own is not None:
        return own
    found = [
        name
        for name in _named(frame, "channel")
        if name not in numeric and 1 < column_of(frame, name).nunique() <= MOST_CHANNELS
    ]
    if found:
        guess.columns["channel"] = found[0]
        if len(found) > 1:
            guess.doubts.append(f"the channel may also be {every_quoted(found[1:])}")
        return found[0]
    return None


def _spend(frame: pd.DataFrame, numeric: list[Hashable], guess: _Guess) -> list[Hashable]:
    own = guess.columns.get("spend")
    if own is not None:
        return [own]
    named = [name for name in _named(frame, "spend") if name in numeric]
    amounts = [name for name in named if not re.search(RATE, _words_of(name))]
    exact = [name for name in amounts if str(name).casefold() in DEFAULT_NAMES["spend"]]
    if exact:
        return exact[:1]
    odd = [name for name in amounts if " per " in f" {_words_of(name)} "]
    if odd:
        guess.doubts.append(f"{every_quoted(odd)} may be a rate rather than what was spent")
    return amounts


def _account(
    frame: pd.DataFrame,
    date: Hashable,
    channel: Hashable | None,
    guess: _Guess,
    numeric: list[Hashable],
) -> None:
    """Column that tells the rows of one date apart, if they need telling apart."""
    if "account" in guess.columns or matching_columns(frame, "account"):
        return
    keys = [date] if channel is None else [date, channel]
    if not bool(frame.duplicated(keys).any()):
        return
    fits = [
        name
        for name in _named(frame, "account")
        if name not in (*keys, *guess.columns.values())
        and (name not in numeric or column_of(frame, name).dtype.kind in "iu")
        and 1 < column_of(frame, name).nunique() <= MOST_ACCOUNTS
    ]
    apart = [name for name in fits if not bool(frame.duplicated([*keys, name]).any())]
    if apart:
        guess.columns["account"] = apart[0]
        sizes = {name: column_of(frame, name).nunique() for name in apart}
        others = [name for name in apart[1:] if sizes[name] != sizes[apart[0]]]
        if others:
            guess.doubts.append(f"the account may also be {every_quoted(others)}")
    elif fits:
        guess.columns["account"] = fits[0]
        guess.doubts.append(f"the account may be {every_quoted(fits)}, or none of them")


def _outcome(
    frame: pd.DataFrame, numeric: list[Hashable], guess: _Guess, given: Mapping[str, Any]
) -> None:
    if "outcome" in guess.columns or len(matching_columns(frame, "outcome")) == 1:
        return
    money = [name for name in _named(frame, "outcome") if name in numeric]
    money = [n for n in money if not re.search(RATE, _words_of(n)) and not counts_things(str(n))]
    counts = [name for name in _named(frame, "count") if name in numeric]
    counts = [name for name in counts if not re.search(RATE, _words_of(name))]
    priced = [n for n in _named(frame, "outcome") if n in numeric and "price" in _words_of(n)]
    whole = re.compile(r"\b(all|total|net)\b")
    best = money or sorted(priced, key=lambda n: not whole.search(_words_of(n))) or counts
    if not best:
        return
    guess.columns["outcome"] = best[0]
    if len(best) > 1 and not money and not priced and _one_per_platform(best):
        guess.derive[TOGETHER] = " + ".join(map(str, best))
        guess.columns["outcome"] = TOGETHER
        guess.doubts.append(f"the outcome is taken to be the sum of {every_quoted(best)}")
    elif len(best) > 1:
        guess.doubts.append(f"the outcome may also be {every_quoted(best[1:])}")
    if counts_things(str(guess.columns["outcome"])) and "value_per_unit" not in given:
        guess.options["value_per_unit"] = 1.0
        guess.doubts.append(
            f"{guess.columns['outcome']!r} counts things: --value-per-unit must say what one is "
            "worth; 1 is a stand-in"
        )


TOGETHER = "conversions_together"


def _one_per_platform(names: list[Hashable]) -> bool:
    """Whether names differ in one word only, as those of two platforms do."""
    words = [set(_words_of(name).split()) for name in names]
    return all(len(one ^ words[0]) <= 2 for one in words)
