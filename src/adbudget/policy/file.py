"""Policy file -> Policy: read, checked key by key, filled up from its preset.

Knows nothing of campaigns. Everything that can be wrong with a file is found here, before any
campaign is read, and every problem is told with the place it is in.
"""

import difflib
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from adbudget.errors import PolicyError
from adbudget.ledger.entry import digest
from adbudget.policy.document import read_policy_document
from adbudget.policy.language import check_confidence, check_targets, parse_trigger
from adbudget.policy.language.vocabulary import CURRENCIES_OF
from adbudget.policy.metrics.registry import target_words
from adbudget.policy.models import PolicyModel, RuleModel
from adbudget.policy.presets import PRESETS
from adbudget.policy.rulebook import AlertRule, Attribution, Constraints, Policy, Rule
from adbudget.policy.values import BudgetMove, Money

MOST_TOLD = 5  # problems in one message
SEVERITY_OF = {"anomaly": "warning", "risk": "warning", "opportunity": "info"}


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
    """
    document = read_policy_document(path_or_text)
    model = _validated(document)
    targets = {
        word: target.amount if isinstance(target, Money) else target
        for word in target_words()
        if (target := getattr(model, word)) is not None
    }
    confidence = model.confidence_threshold
    rules = tuple(_rule(rule, i, targets, confidence) for i, rule in enumerate(model.rules))
    _check_names([rule.name for rule in rules])
    return Policy(
        preset=model.preset,
        currency=_currency(model),
        timezone=_known_timezone(model.timezone),
        targets=targets,
        confidence_threshold=confidence,
        combine=model.combine,
        rules=rules,
        constraints=_constraints(model),
        alerts=_alerts(model, targets),
        attribution=_attribution(model),
        document=_plain(document),
        hash=digest(_plain(document)),
    )


def policy_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a policy file, for editors that complete and check."""
    schema = PolicyModel.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _validated(document: dict[str, Any]) -> PolicyModel:
    from pydantic import ValidationError

    try:
        return PolicyModel.model_validate(document)
    except ValidationError as invalid:
        told = [_told(error, document) for error in invalid.errors(include_url=False)]
    more = f" And {len(told) - MOST_TOLD} more." if len(told) > MOST_TOLD else ""
    raise PolicyError(" ".join(told[:MOST_TOLD]) + more)


def _told(error: Mapping[str, Any], document: dict[str, Any]) -> str:
    """One problem that pydantic found, in our words."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        known = sorted(_model_at(path[:-1]).model_fields)
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        place = _place(path[:-1], document)
        return f"{place}: unknown key {str(path[-1])!r}{hint}. Known are {', '.join(known)}."
    place = _place(path, document)
    if error["type"] == "missing":
        return f"{_place(path[:-1], document)}: the key {str(path[-1])!r} is missing."
    message = str(error.get("ctx", {}).get("error", error["msg"])).rstrip(".")
    own = str(path[-1])
    if message.startswith(own):  # our own parsers name the key themselves
        return f"{_place(path[:-1], document)}: {message}."
    return f"{place}: {message[:1].lower() + message[1:]}; got {error['input']!r}."


def _model_at(path: tuple) -> Any:
    """The pydantic model that a place in the file belongs to."""
    model: Any = PolicyModel
    for key in path:
        if isinstance(key, int):
            continue
        hint = model.model_fields[key].annotation
        parts = [hint, *getattr(hint, "__args__", ())]
        model = next((part for part in parts if hasattr(part, "model_fields")), model)
    return model


def _place(path: tuple, document: dict[str, Any]) -> str:
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


def _rule(
    model: RuleModel, number: int, targets: Mapping[str, Decimal], confidence: Decimal | None
) -> Rule:
    where = f'rules[{number}] "{model.name}"'
    trigger = parse_trigger(model.trigger, where=where)
    check_targets(trigger, targets)
    if confidence is not None:
        check_confidence(trigger)
    direction = model.action.direction if isinstance(model.action, BudgetMove) else None
    for key, owner in (("cap", "increase"), ("floor", "decrease")):
        if getattr(model, key) is not None and direction != owner:
            raise PolicyError(
                f"{where}: {key} has no effect on the action {str(model.action)!r}; it belongs to "
                f"a rule that {owner}s. Remove it, or set it for all campaigns under constraints."
            )
    return Rule(
        name=model.name, trigger=trigger, action=model.action, cap=model.cap, floor=model.floor
    )


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PolicyError(
            f"rules: the name {twice[0]!r} is used twice; rules need different names, because "
            "plans and ledgers call them by name."
        )


def _alerts(model: PolicyModel, targets: Mapping[str, Decimal]) -> tuple[AlertRule, ...]:
    alerts = []
    for number, alert in enumerate(model.alerts):
        trigger = parse_trigger(alert.trigger, where=f'alerts[{number}] "{alert.type}"')
        check_targets(trigger, targets)
        alerts.append(
            AlertRule(
                type=alert.type,
                trigger=trigger,
                action=alert.action,
                severity=alert.severity or SEVERITY_OF.get(alert.type, "warning"),
                cooldown=alert.cooldown,
            )
        )
    return tuple(alerts)


def _constraints(model: PolicyModel) -> Constraints:
    given, preset = model.constraints, PRESETS[model.preset]
    observed = model.observation_period
    observed = preset.observation_period if observed is None else observed
    test = given.test_period
    return Constraints(
        max_single_campaign=given.max_single_campaign,
        min_campaign_budget=given.min_campaign_budget,
        new_campaign_test_budget=given.new_campaign_test_budget,
        observation_period=observed,
        test_period=max(preset.test_period, observed) if test is None else test,
        pause_threshold=given.pause_threshold_hours,
        emergency_pause=given.emergency_pause,
        total_budget_change=given.total_budget_change,
        max_daily_change=given.max_daily_change,
        rebalance_limit=given.rebalance_limit,
        approval_limit=given.approval_limit or preset.approval_limit,
        step=given.step or preset.step,
        max_data_age=given.max_data_age,
        max_paused=given.max_paused,
        min_utilization=given.min_utilization,
        near_cap=given.near_cap,
    )


def _attribution(model: PolicyModel) -> Attribution | None:
    if model.attribution is None:
        return None
    ages, shares = zip(*sorted(model.attribution.curve.items()), strict=True)
    return Attribution(
        ages=ages,
        shares=shares,
        mature_at=model.attribution.mature_at,
    )


def _currency(model: PolicyModel) -> str:
    """The one currency of every amount written with a sign or a code."""
    places = {} if model.currency is None else {"currency": model.currency}
    for place, holder in [("", model), *((f"{r.name}: ", r) for r in model.rules)]:
        for name in type(holder).model_fields:
            _collect(places, f"{place}{name}", getattr(holder, name))
    for name in type(model.constraints).model_fields:
        _collect(places, f"constraints: {name}", getattr(model.constraints, name))
    codes = dict.fromkeys(code for code in places.values() if code)
    known = [code for code in codes if code not in CURRENCIES_OF]
    chosen = (known or list(codes) or [""])[0]
    for place, code in places.items():
        if code != chosen and chosen not in CURRENCIES_OF.get(code, ()):
            first = next(p for p, c in places.items() if c == chosen)
            raise PolicyError(
                f"{place} is written in {code} and {first} in {chosen}; a policy has one currency."
            )
    return chosen


def _collect(places: dict[str, str], place: str, value: Any) -> None:
    money = value if isinstance(value, Money) else getattr(value, "money", None)
    if isinstance(money, Money) and money.currency:
        places[place] = money.currency


def _known_timezone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise PolicyError(
            f"timezone: {name!r} is not known; write it as in 'Europe/Berlin' or 'UTC'."
        ) from cause
    return name


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The file as JSON values, so that it can be hashed and kept in a ledger."""
    return json.loads(json.dumps(document, default=_text))


def _text(value: Any) -> str:
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
