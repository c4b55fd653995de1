"""Make data/synthetic/pacing_plan.csv and pacing_delivery.csv again, byte for byte.

python benchmarks/make_pacing_example.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 11
FIRST, LAST, TODAY = "2026-03-02", "2026-03-31", "2026-03-16"
PRICE = 0.012  # per impression
# deal, campaign, channel, seller, account, budget, curve, share of an even day it delivers
DEALS = (
    ("ctv-prime", "spring", "ctv", "Northstar", "shop-de", 40_000, "even", 0.62),
    ("ctv-sport", "spring", "ctv", "Arena", "shop-de", 40_000, "even", 1.28),
    ("ctv-kids", "spring", "ctv", "Northstar", "shop-de", 15_000, "front_loaded(2)", 1.55),
    ("video-news", "spring", "video", "Herald", "shop-de", 24_000, "even", 1.02),
    ("video-cars", "spring", "video", "Torque", "shop-de", 12_000, "even", 0.00),
    ("audio-morning", "spring", "audio", "Airwave", "shop-de", 18_000, "even", 0.97),
    ("display-run", "brand", "display", "Openweb", "shop-us", 30_000, "even", 1.45),
    ("display-home", "brand", "display", "Herald", "shop-us", 20_000, "back_loaded(2)", 0.55),
    ("video-home", "brand", "video", "Torque", "shop-us", 16_000, "even", 0.88),
    ("audio-podcast", "brand", "audio", "Airwave", "shop-us", 9_000, "even", 1.00),
)
ZONE = {"shop-de": "Europe/Berlin", "shop-us": "America/New_York"}
MOST = {"Arena": 45_000}  # what a seller's budgets may add up to
STALLS = ("video-cars", 5)  # delivers as much as an even day, until day 5
WORTH = {"ctv-sport": 1.5}  # revenue per money spent, beside the other deals
LATER = "2026-03-20"  # audio-podcast begins


def plan() -> pd.DataFrame:
    """One row per deal."""
    rows = [
        {
            "deal": deal,
            "campaign": campaign,
            "channel": channel,
            "seller": seller,
            "account": account,
            "time_zone": ZONE[account],
            "currency": "EUR",
            "budget": budget,
            "start": LATER if deal == "audio-podcast" else FIRST,
            "end": LAST,
            "curve": curve,
            "planned_impressions": round(budget / PRICE, -3),
            "seller_maximum": MOST.get(seller),
        }
        for deal, campaign, channel, seller, account, budget, curve, _ in DEALS
    ]
    return pd.DataFrame(rows).astype({"planned_impressions": int, "seller_maximum": "Int64"})


def delivery() -> pd.DataFrame:
    """One row per deal and day that delivered; the last two days are provisional."""
    rng = np.random.default_rng(SEED)
    days = pd.date_range(FIRST, TODAY, inclusive="left")
    rows = []
    for deal, _, _, _, _, budget, _, pace in DEALS:
        left = float(budget)
        for number, day in enumerate(days):
            weekend = 0.8 if day.day_of_week >= 5 else 1.08
            noise = rng.lognormal(0, 0.12)
            value = rng.uniform(2.0, 3.0) * WORTH.get(deal, 1.0)
            level = 1.0 if deal == STALLS[0] and number < STALLS[1] else pace
            spend = round(min(budget / 30 * level * weekend * noise, left), 2)
            if deal == "audio-podcast" or spend == 0:
                continue
            left -= spend
            rows.append(
                {
                    "deal": deal,
                    "date": f"{day:%Y-%m-%d}",
                    "spend": f"{spend:.2f}",
                    "impressions": round(spend / PRICE),
                    "final": number < len(days) - 2,
                    "revenue": f"{spend * value:.2f}",
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Write both files."""
    default = Path(__file__).parents[1] / "data" / "synthetic"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    plan().to_csv(folder / "pacing_plan.csv", index=False, lineterminator="\n")
    delivery().to_csv(folder / "pacing_delivery.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
