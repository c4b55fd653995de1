"""What is said of an account nobody has seen -> checked numbers. Knows nothing of curves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.tables.messages import every_quoted, quoted

SHARE_SLACK = 1e-6  # how far shares may be from adding up to one


def spend_by_channel(channels: tuple[str, ...], spend_share, total_spend: float) -> np.ndarray:
    """(channel,) mean spend per period; 0 for a channel the account will not use."""
    if not isinstance(spend_share, Mapping | pd.Series) or len(spend_share) == 0:
        raise InputError(
            "spend_share must be a mapping or Series from channel to its share of the spend, "
            f"such as {{{channels[0]!r}: 1.0}}; got {spend_share!r}."
        )
    if isinstance(spend_share, pd.Series) and not spend_share.index.is_unique:
        raise InputError("spend_share names a channel more than once; give each one share.")
    shares = dict(spend_share.items())
    unknown = [channel for channel in shares if channel not in channels]
    if unknown:
        raise InputError(
            f"spend_share names channels the fit has never seen: {quoted(unknown)}. Expected "
            f"some of {every_quoted(channels)}."
        )
    if not _is_positive(total_spend):
        raise InputError(f"total_spend must be a positive number; got {total_spend!r}.")
    wrong = {channel: share for channel, share in shares.items() if not _is_positive(share)}
    if wrong:
        raise InputError(
            f"spend_share must be a positive number; it is {quoted(wrong.values())} for "
            f"{quoted(wrong)}. Leave out a channel that is not used."
        )
    total = sum(shares.values())
    if abs(total - 1) > SHARE_SLACK:
        raise InputError(
            f"spend_share must add up to 1; it adds up to {total:g}. For amounts per period, "
            f"divide them by their sum and pass total_spend={total:g}."
        )
    return total_spend * np.array([shares.get(c, 0.0) for c in channels], dtype=float)


def agreed(argument: str, known: tuple[float, ...], given: float | None) -> float:
    """The caller's value, or the one all accounts of the fit share."""
    if given is not None:
        if not _is_positive(given):
            raise InputError(f"{argument} must be a positive number; got {given!r}.")
        return float(given)
    if len(known) != 1:
        told = f" ({min(known):g} to {max(known):g})" if len(known) else ""
        raise InputError(
            f"{argument} differs between the accounts of the fit{told}, so the new account's is "
            f"not known: pass {argument}=..."
        )
    return next(iter(known))


def agreed_currency(known: tuple[str, ...], given: str | None) -> str:
    """The caller's currency, or the one all accounts of the fit share."""
    if given is not None:
        return given
    if len(known) != 1:
        told = f" ({quoted(set(known))})" if len(known) else ""
        raise InputError(
            f"the accounts of the fit have several currencies{told}; "
            "say which one the new account has: currency='EUR'."
        )
    return next(iter(known))


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Chance from a seed, or as given."""
    is_count = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if not is_count and not isinstance(seed, np.random.Generator):
        raise InputError(f"seed must be an integer >= 0 or a numpy Generator; got {seed!r}.")
    return np.random.default_rng(seed)


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return bool(number and not isinstance(value, bool) and np.isfinite(value) and value > 0)
