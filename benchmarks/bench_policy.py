"""Speed of the policy engine: 10,000 and 100,000 campaigns x 20 rules, and what a start costs.

Run: python benchmarks/bench_policy.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from adbudget import apply_policy, load_policy, open_ledger

N_CAMPAIGNS, N_RULES, SEED = 10_000, 20, 0


def campaigns(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    budget = np.round(rng.lognormal(6, 1, n), 2)
    conversions = rng.poisson(budget / 50 * 7)
    spend = np.round(budget * 7 * rng.uniform(0.7, 1.05, n), 2)
    return pd.DataFrame(
        {
            "campaign_id": [f"c{i:05d}" for i in range(n)],
            "budget": budget,
            "spend": spend,
            "conversions": conversions,
            "revenue": np.round(conversions * rng.lognormal(4.5, 0.5, n), 2),
            "days": 7,
        }
    )


def policy(n_rules: int) -> str:
    rules = [
        {"trigger": f"cpl < target * {0.5 + 0.02 * i:.2f}", "action": f"increase_budget_{20 - i}%"}
        if i % 2
        else {"trigger": f"cpl > target * {2.2 - 0.05 * i:.2f}", "action": "decrease_budget_20%"}
        for i in range(n_rules - 2)
    ]
    rules += [{"trigger": "roas > 4", "action": "increase_budget_10%"}]
    rules += [{"trigger": "roas < 0.5 and spend > budget", "action": "decrease_budget_5%"}]
    lines = ["target_cpl: 50", "confidence_threshold: 95%", "rules:"]
    for i, rule in enumerate(rules):
        action, trigger = rule["action"], rule["trigger"]
        lines.append(f'  - {{name: r{i}, trigger: "{trigger}", action: {action}}}')
    return "\n".join(lines)


def best_of(times: int, work) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    table, loaded = campaigns(N_CAMPAIGNS, SEED), load_policy(policy(N_RULES))
    what = f"{N_CAMPAIGNS:,} campaigns x {N_RULES} rules"
    plan = apply_policy(loaded, table, as_of="2026-03-02")
    assert plan.summary["net_change"] == 0
    seconds = best_of(5, lambda: apply_policy(loaded, table, as_of="2026-03-02").recommendations)
    print(f"{what}: {seconds:.2f} s, as a frame; {plan.summary['n_rule_fired']:,} rules fired")
    large = campaigns(10 * N_CAMPAIGNS, SEED)
    seconds = best_of(1, lambda: apply_policy(loaded, large, as_of="2026-03-02").recommendations)
    print(f"{len(large):,} campaigns x {N_RULES} rules: {seconds:.2f} s, as a frame")
    with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder) / "l.db") as ledger:
        start = time.perf_counter()
        apply_policy(loaded, table, ledger=ledger, as_of="2026-03-02")
        print(f"{what}, logged: {time.perf_counter() - start:.2f} s")
    for command in ("import adbudget.policy.apply", "import pandas"):
        seconds = best_of(
            5, lambda code=command: subprocess.run([sys.executable, "-c", code], check=True)
        )
        print(f"python -c '{command}': {seconds:.2f} s")
    arguments = [sys.executable, "-m", "adbudget", "rules", "--help"]
    seconds = best_of(5, lambda: subprocess.run(arguments, check=True, capture_output=True))
    print(f"adbudget rules --help: {seconds:.2f} s")


if __name__ == "__main__":
    main()
