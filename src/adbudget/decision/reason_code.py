"""Why a cell is decided as it is, as one word for programs; people read the sentence beside it."""

from enum import StrEnum


class ReasonCode(StrEnum):
    """Why a decision is what it is; the names are part of the schema of decisions."""

    # calls
    PAYS = "pays"  # the move is likely enough to pay
    STANDS = "stands"  # a call of the run before, which would not be made anew
    FORCED = "forced"  # the limits do not allow today's plan
    # monitored
    TOO_UNCERTAIN = "too_uncertain"  # a move may pay, and not likely enough
    BALANCED = "balanced"  # one more unit brings about what it has to
    HELD_BY_TOTAL = "held_by_total"  # more would pay here, and the total is spent
    HELD_BY_LIMIT = "held_by_limit"  # a bound, a group or a share leaves no meaningful room
    FIXED = "fixed"  # the caller fixed it
    NOT_FUNDED = "not_funded"  # a raise would pay, and nobody can safely give up the money
    NOT_NEEDED = "not_needed"  # a cut would pay, and nobody can safely use the money
    NOT_INFORMED = "not_informed"  # its own data say too little for its probability to count
    NO_BETTER_PLAN = "no_better_plan"  # returns differ, and the limits leave no better place
    NOTHING_SPENT = "nothing_spent"  # nothing to compare with
    NOT_JUDGED = "not_judged"  # what its data say cannot be true
    UNHEALTHY = "unhealthy"  # the fit cannot be trusted
