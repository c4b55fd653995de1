"""The worlds of the study: six kinds of 4 accounts x 4 channels, most of them not our easiest."""

from dataclasses import dataclass, replace

from adbudget.synthetic import WorldSpec

FIRST_SEED = 900
EASY = WorldSpec(n_accounts=4, n_channels=4, n_periods=104)
WORDS = {
    "assumed": "as the model assumes: 104 weeks, noise 8%, spend that varies by itself",
    "confounded": "spend follows demand (.9), half of which no calendar explains; an index shows "
    "half of that",
    "drifting": "returns of channels changed in the history (log-sd .5) and go on (.3 a year)",
    "flat": "spend was constant throughout the history",
    "high base": "90% of the outcome needs no advertising",
    "late": "as assumed, and an outcome is in after two more weeks",
}
COUNTS = {"assumed": 4, "confounded": 4, "drifting": 3, "flat": 3, "high base": 3, "late": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWorld:
    """One world of the study.

    Attributes
    ----------
    kind, seed : its name
    spec, late, drift : as :func:`adbudget.backtest_world` takes them
    """

    kind: str
    seed: int
    spec: WorldSpec
    late: int = 0
    drift: float = 0.0


def study_worlds() -> list[StudyWorld]:
    """Twenty worlds, the kinds by turns, so that the first few show all of them."""
    turns = [kind for turn in range(4) for kind, count in COUNTS.items() if turn < count]
    return [_world(kind, FIRST_SEED + i) for i, kind in enumerate(turns)]


def _world(kind: str, seed: int) -> StudyWorld:
    spec = {
        "confounded": replace(EASY, demand_follow=0.9, hidden_demand_share=0.5, demand_signal=0.5),
        "drifting": replace(EASY, drift=0.5),
        "flat": replace(EASY, spend_variation=0.0, demand_follow=0.0),
        "high base": replace(EASY, baseline_share=(0.9, 0.9)),
    }.get(kind, EASY)
    return StudyWorld(
        kind=kind,
        seed=seed,
        spec=spec,
        late=2 if kind == "late" else 0,
        drift=0.3 if kind == "drifting" else 0.0,
    )
