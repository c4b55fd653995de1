"""Requests to test with, and the moments around them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from adbudget.pacing.requests import Ask, Diff, Fallback, SellerRequest, draft_pairs, read_requests

MORNING = datetime(2026, 4, 10, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MORE = Diff(field="daily_impressions", old_value=8_000, new_value=11_000)
LATER = Diff(field="flight_end", old_value="2026-04-30", new_value="2026-05-02")


def ask(**changes) -> Ask:
    usual = Ask(
        deal="D1",
        campaign="spring",
        seller="Ad House",
        account="main",
        order_id="ORD-1",
        currency="EUR",
        intent="raise_delivery",
        diffs=(MORE,),
        reason="Deal D1 is heading for 24,000.00 EUR of 30,000.00 EUR.",
        drafted_at=MORNING,
        patience_hours=48.0,
        useful_until=MORNING + 10 * DAY,
        prob_in_time=0.8,
        prob_granted=0.5,
        fallback=Fallback(
            action="reallocate", text="Let the 6,000.00 EUR go elsewhere.", amount_minor=600_000
        ),
    )
    return replace(usual, **changes)


def filed(ledger, *asks: Ask, approve: bool = True) -> list[SellerRequest]:
    """Drafts in the ledger, approved by Ann where that is needed."""
    drafts = [
        SellerRequest(ask=one, approval="not_needed" if one.severity == "minor" else "waiting")
        for one in asks
    ]
    ledger.append_many(draft_pairs(drafts))
    names = [draft.request_id for draft in drafts]
    if approve:
        for request in read_requests(ledger):
            if request.request_id in names and request.approval == "waiting":
                ledger.approve(f"request:{request.request_id}", who="Ann", at=MORNING)
    return [one for one in read_requests(ledger) if one.request_id in names]


def only(ledger) -> SellerRequest:
    (request,) = read_requests(ledger)
    return request


def rng() -> np.random.Generator:
    return np.random.default_rng(7)
