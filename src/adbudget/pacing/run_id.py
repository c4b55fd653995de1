"""What a run of the pacing engine is about -> its name: the same question has the same one."""

import hashlib
from typing import TYPE_CHECKING, Any

from adbudget.ledger.entry import digest
from adbudget.pacing.delivery.measure_entries import inputs_hash
from adbudget.plain_json import to_plain

if TYPE_CHECKING:
    from adbudget.pacing.cycle import Cycle


def _hash_of(marginal: Any) -> str:
    """Hash of every draw and name: what is printed of a large array is not all of it."""
    if not hasattr(marginal, "dims"):  # nothing, or not what it should be: that is said later
        return repr(marginal)
    names = [[str(name) for name in marginal[dim].values] for dim in marginal.dims]
    return digest([hashlib.sha256(marginal.values.tobytes()).hexdigest(), names])


def run_id_of(cycle: "Cycle", *, kill_on: bool) -> str:
    """The same for the same question; with the kill switch on it is another question."""
    options = cycle.options
    rules = [repr(each) for each in (options.move_rules, options.ask_rules, options.daily_rules)]
    question = {
        "inputs": inputs_hash(cycle.plan, cycle.delivery),
        "as_of": cycle.moment.isoformat(),
        "thresholds": to_plain(options.thresholds),
        "policy": "" if options.policy is None else options.policy.hash,
        "rules": [*rules, _hash_of(options.marginal)],
        "seed": options.seed,
        "locked": sorted(set(options.locked)),
        "orders": dict(options.orders or {}),
        "kill_on": kill_on,
    }
    return digest(question)[:32]
