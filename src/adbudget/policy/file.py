"""Policy file -> Policy: put in the shape of the records, checked key by key, filled from a preset.

Knows nothing of campaigns. Everything that can be wrong with a file is found here, before any
campaign is read, and every problem is told with the place it is in.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adbudget.errors import PolicyError, nearest
from adbudget.money import CURRENCIES_OF, Money, may_be_in, parse_money
from adbudget.policy.document import read_policy_document
from adbudget.policy.language import check_confidence, check_targets
from adbudget.policy.maturity import check_attribution
from adbudget.policy.metrics.registry import METRICS, target_words
from adbudget.policy.presets import PRESETS, in_currency
from adbudget.policy.rulebook import (
    TEXT_OR_NUMBER,
    AlertRule,
    Attribution,
    Constraints,
    PlatformLimits,
    Policy,
    Rule,
    Written,
)
from adbudget.policy.values import BudgetMove, parse_duration

MOST_TOLD = 5  # problems in one message
SEVERITY_OF = {"anomaly": "warning", "risk": "warning", "opportunity": "info"}
OBSERVATION = "observation_period"  # a constraint that a file writes at its top
AT_TOP = ("cadence", "rest")  # constraints that a file may write there, too
MADE = ("targets", "document")  # of a Policy, and no keys of a file
UNKNOWN = " "  # behind a key that is none where it stands, though a record has a field so called
RECORD_AT = {
    "rules": Rule,
    "alerts": AlertRule,
    "constraints": Constraints,
    "platforms": PlatformLimits,
    "attribution": Attribution,
}


def load_policy(path_or_text: str | Path | Mapping[str, Any]) -> Policy:
    """Read a policy.

    Parameters
    ----------
    path_or_text : path of a .yaml, .yml or .json file, the text of one, or its content as a mapping

    Returns
    -------
    Policy

    Raises
    ------
    PolicyError : names the key or the rule, what was expected, what came and the nearest known
        word; up to five problems at once

    Examples
    --------
    >>> policy = ab.load_policy({"target_cpl": 50, "constraints": {"max_single_campaign": "40%"}})
    >>> policy.targets
    {'target_cpl': Decimal('50')}
    """
    document = read_policy_document(path_or_text)
    try:
        policy = _adapter().validate_python(_arranged(document))
    except ValidationError as invalid:
        told = [_told(error, document) for error in invalid.errors(include_url=False)]
        more = f" And {len(told) - MOST_TOLD} more." if len(told) > MOST_TOLD else ""
        raise PolicyError(" ".join(told[:MOST_TOLD]) + more) from None
    for number, rule in enumerate(policy.rules):
        _check_rule(rule, f'rules[{number}] "{rule.name}"', policy)
    for alert in policy.alerts:
        check_targets(alert.trigger, policy.targets)
    _check_names([rule.name for rule in policy.rules])
    _check_timezone(policy.timezone)
    check_attribution(policy)
    change = policy.constraints.total_budget_change
    if policy.total_budget is not None and (change.money is None or change.money.amount != 0):
        raise PolicyError(
            f"total_budget is {policy.total_budget} and constraints: total_budget_change is "
            f"{change}; keep one of them."
        )
    currency = _currency(policy)
    named = currency if len(CURRENCIES_OF.get(currency, (currency,))) == 1 else ""
    return in_currency(replace(policy, currency=currency), named)  # else the table has to say


def policy_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a policy file, for editors that complete and check."""
    schema = _adapter().json_schema()
    properties = {key: about for key, about in schema["properties"].items() if key not in MADE}
    limits = schema["$defs"]["Constraints"]["properties"]
    properties[OBSERVATION] = limits.pop(OBSERVATION)
    properties |= {key: limits[key] for key in AT_TOP}
    for word, metric in target_words().items():
        about = f"Target of {metric}: {METRICS[metric].meaning}."
        properties[word] = {"type": TEXT_OR_NUMBER, "description": about}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draft | schema | {"properties": properties}


@cache
def _adapter() -> TypeAdapter[Policy]:
    return TypeAdapter(Policy)


def _arranged(document: Mapping[str, Any]) -> dict[str, Any]:
    """The file in the shape of the records, what its preset says filled in."""
    moved = {*target_words(), OBSERVATION, *AT_TOP, *MADE}
    data = {key: value for key, value in document.items() if key not in moved}
    data |= {key + UNKNOWN: document[key] for key in MADE if key in document}
    data["document"] = json.loads(json.dumps(document, default=_text))
    data["targets"] = {
        word: Written(value=document[word], where=word)
        for word in target_words()
        if document.get(word) is not None
    }
    for key, called in (("rules", "name"), ("alerts", "type")):
        if isinstance(data.get(key), list):
            data[key] = [_placed(item, f"{key}[{i}]", called) for i, item in enumerate(data[key])]
    given = document.get("constraints", {})
    if isinstance(given, Mapping):
        data["constraints"] = _constraints(document, given)
    if data.get("currency") is None:
        data.pop("currency", None)
    return data


def _placed(item: Any, place: str, called: str) -> Any:
    """A rule or alert whose trigger knows what messages call it."""
    if not isinstance(item, Mapping):
        return item
    where = f'{place} "{item[called]}"' if called in item else place
    filled = dict(item)
    if "trigger" in filled:
        filled["trigger"] = Written(value=filled["trigger"], where=where)
    if called == "type" and filled.get("severity") is None:
        filled["severity"] = SEVERITY_OF.get(str(item.get("type")), "warning")
    return filled


def _constraints(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    preset = PRESETS.get(str(document.get("preset", "b2c")), PRESETS["b2c"])
    filled = preset | {k: v for k, v in given.items() if v is not None or k not in preset}
    for key in (key for key in AT_TOP if document.get(key) is not None):
        if given.get(key) is not None:
            raise PolicyError(
                f"{key} stands at the top of the policy and under constraints; keep one."
            )
        filled[key] = document[key]
    if OBSERVATION in given:
        filled[OBSERVATION + UNKNOWN] = filled.pop(OBSERVATION)
    if document.get(OBSERVATION) is None:
        return filled
    filled[OBSERVATION] = document[OBSERVATION]
    if given.get("test_period") is None:  # a test is never shorter than the observation
        with suppress(PolicyError):  # told when the records are made
            observed = parse_duration(document[OBSERVATION], OBSERVATION)
            filled["test_period"] = max(observed, parse_duration(preset["test_period"], "preset"))
    return filled


def _told(error: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """One problem that pydantic found, in our words."""
    path = tuple(error["loc"])
    if path[:1] == ("targets",) or path == ("constraints", OBSERVATION):
        path = path[1:]
    own = str(path[-1]).removesuffix(UNKNOWN) if path else ""
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = _keys_at(path[:-1])
        near = nearest(own, known)
        hint = f" (did you mean {near!r}?)" if near else ""
        place = _place(path[:-1], document)
        return f"{place}: unknown key {own!r}{hint}. Known are {', '.join(known)}."
    if error["type"] == "missing":
        return f"{_place(path[:-1], document)}: the key {own!r} is missing."
    message = str(error.get("ctx", {}).get("error", error["msg"])).rstrip(".")
    if message.startswith(_place(path[:2], document)):  # a trigger names its rule itself
        return f"{message}."
    if own and message.startswith(own):  # our own parsers name the key themselves
        return f"{_place(path[:-1], document)}: {message}."
    given = error["input"].value if isinstance(error["input"], Written) else error["input"]
    return f"{_place(path, document)}: {message[:1].lower() + message[1:]}; got {given!r}."


def _keys_at(path: tuple) -> list[str]:
    """Keys that a file may have at a place."""
    record = RECORD_AT.get(path[0], Policy) if path else Policy
    known = {field.name for field in fields(record)}
    if record is Constraints:
        known -= {OBSERVATION}
    if record is Policy:
        known = known - set(MADE) | {OBSERVATION, *AT_TOP, *target_words()}
    return sorted(known)


def _place(path: tuple, document: Mapping[str, Any]) -> str:
    """("rules", 0, "cap") -> 'rules[0] "scale_winners": cap'."""
    if not path:
        return "the policy"
    text = ""
    here: Any = document
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f"{': ' if text else ''}{key}"
        try:
            here = here[key]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(key, int) and isinstance(here, dict):
            text += f' "{here["name"]}"' if here.get("name") else ""
    return text


def _check_rule(rule: Rule, where: str, policy: Policy) -> None:
    check_targets(rule.trigger, policy.targets)
    if policy.confidence_threshold is not None:
        check_confidence(rule.trigger)
    direction = rule.action.direction if isinstance(rule.action, BudgetMove) else None
    for key, owner in (("cap", "increase"), ("floor", "decrease")):
        if getattr(rule, key) is not None and direction != owner:
            raise PolicyError(
                f"{where}: {key} has no effect on the action {str(rule.action)!r}; it belongs to "
                f"a rule that {owner}s. Remove it, or set it for all campaigns under constraints."
            )


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PolicyError(
            f"rules: the name {twice[0]!r} is used twice; rules need different names, because "
            "plans and ledgers call them by name."
        )


def _currency(policy: Policy) -> str:
    """The one currency of every amount written with a sign or a code."""
    places = {"currency": policy.currency} if policy.currency else {}
    if policy.total_budget is not None:
        _collect(places, "total_budget", policy.total_budget)
    for word in policy.targets:
        if METRICS[target_words()[word]].unit.money:
            _collect(places, word, parse_money(policy.document[word], word))
    holders: list[tuple[str, Any]] = [(f"{rule.name}: ", rule) for rule in policy.rules]
    holders += [(f"platforms: {name}: ", one) for name, one in policy.platforms.items()]
    for place, holder in [*holders, ("constraints: ", policy.constraints)]:
        for field in fields(holder):
            _collect(places, f"{place}{field.name}", getattr(holder, field.name))
    codes = dict.fromkeys(code for code in places.values() if code)
    known = [code for code in codes if code not in CURRENCIES_OF]
    chosen = (known or list(codes) or [""])[0]
    for place, code in places.items():
        if not may_be_in(code, chosen):
            first = next(p for p, c in places.items() if c == chosen)
            raise PolicyError(
                f"{place} is written in {code} and {first} in {chosen}; a policy has one currency."
            )
    return chosen


def _collect(places: dict[str, str], place: str, value: Any) -> None:
    money = value if isinstance(value, Money) else getattr(value, "money", None)
    if isinstance(money, Money) and money.currency:
        places[place] = money.currency


def _check_timezone(name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise PolicyError(
            f"timezone: {name!r} is not known; write it as in 'Europe/Berlin' or 'UTC'."
        ) from cause


def _text(value: Any) -> str:
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
