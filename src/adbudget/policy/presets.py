"""Kind of business, currency -> what a policy file leaves out: 500 dollars are no limit in yen.

Amounts in other currencies are rough by design, to the nearest of 1, 2 and 5: they say how large is
large, and convert nothing. A currency that is not listed has no default amounts, so the policy must
give them.
"""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from adbudget.errors import PolicyError
from adbudget.money import CURRENCIES_OF, Money
from adbudget.policy.rulebook import PlatformLimits, Policy

# What each kind of business puts for constraints that a file leaves out, as a file writes it;
# where nothing is put the defaults of the records hold.
PRESETS: dict[str, dict[str, Any]] = {
    "b2c": {"test_period": "48 hours", "step": 50, "approval_limit": 500},
    "b2b": {
        "observation_period": "1 week",
        "cadence": "1 week",
        "test_period": "2 weeks",
        "step": 500,
        "approval_limit": 2000,
    },
}
# What the large platforms do, amounts in dollars. Sources, read in 2026:
# Meta: developers.facebook.com, "Marketing API Rate Limiting": an ad set's budget may change four
# times an hour, then it is blocked for an hour; the least budget depends on what is optimized for
# ("Minimum Budget"), so the preset is a dollar, and a policy gives what its account says.
# Google: Google Ads help 10487143, "How budget changes affect your campaigns": on a day of changes
# the limit is twice the highest average daily budget chosen for that day.
# TikTok: ads.tiktok.com, "About budgets" (August 2025): campaigns must exceed 50, ad groups 20.
# LinkedIn: no page of its own says it; third parties agree on 10 (8 pounds) a day for a campaign.
PLATFORMS: dict[str, dict[str, Any]] = {
    "meta": {"changes_per_hour": 4, "min_budget": 1},
    "google": {"day_multiple": 2},
    "tiktok": {"min_budget": 50},
    "linkedin": {"min_budget": 10},
}
ALSO_CALLED = {
    **dict.fromkeys(("meta ads", "facebook", "facebook ads", "instagram"), "meta"),
    **dict.fromkeys(("google ads", "adwords", "youtube"), "google"),
    **dict.fromkeys(("tiktok ads",), "tiktok"),
    **dict.fromkeys(("linkedin ads",), "linkedin"),
}
AMOUNTS = ("approval_limit", "step")
# Units for a US dollar, as of 2025.
_BY_UNITS = {
    "0.02": "CLF",
    "0.2": "KWD",
    "0.5": "BHD OMR JOD",
    "1": "USD EUR GBP CHF CAD AUD NZD SGD BND PAB BSD BBD",
    "2": "TND BGN AZN GEL FJD BAM",
    "5": "CNY MYR BRL PEN PLN RON ILS AED SAR QAR LYD DKK UYI GTQ BOB",
    "10": "HKD MOP SEK NOK MAD BWP",
    "20": "MXN ZAR CZK TWD NAD MDL HNL",
    "50": "THB PHP TRY EGP UAH UYU DOP MUR NIO",
    "100": "INR JPY ISK RUB BDT KES RSD XPF VUV DZD NPR ALL JMD ETB",
    "200": "PKR LKR DJF",
    "500": "HUF KZT XAF XOF KMF CRC AMD",
    "1000": "KRW ARS CLP NGN RWF IQD",
    "2000": "TZS MMK BIF MNT",
    "5000": "COP UGX PYG KHR",
    "10000": "IDR UZS GNF",
    "20000": "VND LAK",
}
UNITS = {code: Decimal(units) for units, codes in _BY_UNITS.items() for code in codes.split()}


def platform_of(policy: Policy, name: str, code: str) -> PlatformLimits:
    """What a platform allows: as the policy says, the rest as its preset says.

    Parameters
    ----------
    name : as the table writes it; capitals do not matter, and "Facebook" is Meta
    code : currency of the campaigns; smallest budgets of presets are converted, or left out where
        the currency has no default amounts
    """
    plain = " ".join(name.lower().split())
    known = ALSO_CALLED.get(plain, plain)
    usual = dict(PLATFORMS.get(known, {}))
    units = UNITS.get(code, Decimal(1) if code in ("", "$") else None)
    if "min_budget" in usual:
        least = None if units is None else Money(amount=usual["min_budget"] * units)
        usual["min_budget"] = least
    own = {" ".join(called.lower().split()): one for called, one in policy.platforms.items()}
    said = own.get(plain, own.get(known, PlatformLimits()))
    given = {field.name: getattr(said, field.name) for field in fields(PlatformLimits)}
    return PlatformLimits(
        **(usual | {name: value for name, value in given.items() if value is not None})
    )


def in_currency(policy: Policy, code: str) -> Policy:
    """The policy with the amounts that its file leaves out as they are in a currency.

    Parameters
    ----------
    code : ISO code, or the sign that the policy's amounts are written with; "" when nobody says,
        which leaves the amounts of the preset

    Raises
    ------
    PolicyError : the currency has no default amounts, or its sign is of several
    """
    given, preset = policy.document.get("constraints") or {}, PRESETS[policy.preset]
    usual = {name: Money(amount=Decimal(preset[name])) for name in AMOUNTS}
    missing = [
        name
        for name in AMOUNTS
        if given.get(name) is None and getattr(policy.constraints, name) == usual[name]
    ]
    if not missing or code in ("", "$"):
        return policy
    codes = CURRENCIES_OF.get(code, (code,))
    units = UNITS.get(codes[0]) if len(codes) == 1 else None
    if units is None:
        why = (
            f"is the sign of {' and '.join(codes)}" if len(codes) > 1 else "has no default amounts"
        )
        raise PolicyError(
            f"constraints: give {' and '.join(missing)}: {code} {why}, so that what is large in it "
            "is not known."
        )
    amounts = {name: Money(amount=usual[name].amount * units) for name in missing}
    return replace(policy, constraints=replace(policy.constraints, **amounts))
