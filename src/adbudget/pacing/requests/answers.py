"""Past requests -> how fast and how kindly each seller answers. Knows no ledger and no deals.

Waiting times are exponential with a rate per seller, and rates are Gamma around the rate of all
sellers together: a request that still waits, or waited in vain, counts with the hours it waited.
Kindness is a Beta-binomial in the same way. Answers given by a program in the call that asked say
nothing of people, and count for neither; nor do requests that failed a check.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from adbudget.pacing.requests.request import SellerRequest
from adbudget.pacing.requests.states import AGREED

if TYPE_CHECKING:
    import pandas as pd

PRIOR_HOURS = 24.0  # a seller nobody has asked yet answers at the rate of one a day
PRIOR_WEIGHT = 2.0  # what is known of the others counts as two answers
HOUR = 3600.0
COLUMNS = (
    *("seller", "sent", "answered", "automatic", "granted", "countered", "rejected", "failed"),
    *("expired", "open", "hours_waited", "prob_answer_24h", "prob_answer_48h", "prob_granted"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one seller's requests.

    Attributes
    ----------
    sent : with the seller, or once with it
    answered, hours_waited : people's answers, and the hours waited for them or in vain
    automatic : answers of a program
    decided, granted : answers that settled it, and those that agreed (a counter-offer that was
        accepted is an agreement)
    countered, rejected, failed, expired, open : how they stand, or what the first answer was
    """

    sent: int = 0
    answered: int = 0
    hours_waited: float = 0.0
    automatic: int = 0
    decided: int = 0
    granted: int = 0
    countered: int = 0
    rejected: int = 0
    failed: int = 0
    expired: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What to expect of one seller's next answer.

    Attributes
    ----------
    shape, hours : of the Gamma posterior of answers an hour, shape / hours on average
    prob_granted : expected probability that an answer agrees
    """

    shape: float
    hours: float
    prob_granted: float

    def prob_within(self, hours: float) -> float:
        """Probability of an answer within so many hours (Lomax distribution)."""
        return 1 - (self.hours / (self.hours + max(hours, 0.0))) ** self.shape

    def hours_for(self, probability: float) -> float:
        """Hours within which an answer comes with this probability, in [0, 1)."""
        return self.hours * ((1 - probability) ** (-1 / self.shape) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What to expect of every seller; of one never asked, what the others do.

    Attributes
    ----------
    tallies : seller -> what its past requests came to

    Examples
    --------
    >>> requests.Expectations().tallies  # nobody was asked yet
    {}
    >>> unknown = requests.Expectations()
    >>> unknown.of("Northstar").prob_granted, unknown.as_frame().empty
    (0.5, True)
    """

    tallies: dict[str, Tally] = field(default_factory=dict)

    def of(self, seller: str) -> Expectation:
        """Posterior of a seller."""
        own = self.tallies.get(seller, Tally())
        every = self.tallies.values()
        answers = 1 + sum(tally.answered for tally in every)
        hours = PRIOR_HOURS + sum(tally.hours_waited for tally in every)
        kind = 1 + sum(tally.granted for tally in every)
        decided = 2 + sum(tally.decided for tally in every)
        return Expectation(
            shape=PRIOR_WEIGHT + own.answered,
            hours=PRIOR_WEIGHT * hours / answers + own.hours_waited,
            prob_granted=(PRIOR_WEIGHT * kind / decided + own.granted)
            / (PRIOR_WEIGHT + own.decided),
        )

    def as_frame(self) -> "pd.DataFrame":
        """One row per seller: counts, hours waited, and what to expect of the next request."""
        import pandas as pd

        rows = []
        for seller, tally in sorted(self.tallies.items()):
            expected = self.of(seller)
            counts = {name: getattr(tally, name) for name in COLUMNS if hasattr(tally, name)}
            rows.append(
                {
                    "seller": seller,
                    **counts,
                    "prob_answer_24h": expected.prob_within(24),
                    "prob_answer_48h": expected.prob_within(48),
                    "prob_granted": expected.prob_granted,
                }
            )
        return pd.DataFrame(rows, columns=list(COLUMNS))


def expect(requests: Sequence[SellerRequest], *, at: datetime) -> Expectations:
    """Learn from past requests what to expect of the next.

    Parameters
    ----------
    requests : as they stand
    at : instant until which open ones have waited

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., sections 2.4 and 2.6; the Gamma mixture
    of exponentials is the Lomax distribution.

    Examples
    --------
    >>> expected = requests.expect([ab.SellerRequest(ask=ask)], at=now)
    >>> type(expected).__name__
    'Expectations'
    """
    tallies: dict[str, Tally] = {}
    for request in requests:
        if request.sent_at is not None and request.received:
            seller = request.ask.seller
            tallies[seller] = _count(tallies.get(seller, Tally()), request, at)
    return Expectations(tallies=tallies)


def _count(tally: Tally, request: SellerRequest, at: datetime) -> Tally:
    failed = request.state == "failed"
    by_person = request.answered_at is not None and not request.automatic and not failed
    decided = by_person and (request.state in AGREED or request.state == "rejected")
    return Tally(
        sent=tally.sent + 1,
        answered=tally.answered + by_person,
        hours_waited=tally.hours_waited + _hours(request, at),
        automatic=tally.automatic + (request.automatic and not failed),
        decided=tally.decided + decided,
        granted=tally.granted + (decided and request.state in AGREED),
        countered=tally.countered + (request.first_answer == "countered"),
        rejected=tally.rejected + (request.state == "rejected"),
        failed=tally.failed + failed,
        expired=tally.expired + (request.state == "expired"),
        open=tally.open + request.is_open,
    )


def _hours(request: SellerRequest, at: datetime) -> float:
    """Hours a person let us wait; of an answer that never came, until its deadline."""
    if request.sent_at is None or request.automatic or request.state == "failed":
        return 0.0
    end = request.answered_at or min(at, request.deadline)
    return max(0.0, (end - request.sent_at).total_seconds() / HOUR)
