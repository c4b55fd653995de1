"""The studies: one question to one public set each, by name. Asks none of them.

Each runs by itself, so a run that is stopped resumes with the next study.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.real_data import reading
from benchmarks.real_data.carry_over import carry_over, lydia_with_steps
from benchmarks.real_data.questions import (
    Found,
    described,
    forecast_daily,
    forecast_marketing,
    forecast_weekly,
    origin,
)
from benchmarks.real_data.settings import ORIGINS, SEED
from benchmarks.real_data.truth import recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One question to one set.

    Attributes
    ----------
    name : key in ``STUDIES``
    uses : name of the data set
    run : folder of the data -> what was found
    peer : needs PyMC-Marketing
    """

    name: str
    uses: str
    run: Callable[[Path], Found]
    peer: bool = False


ORIGIN_NAMES = tuple(f"conjura_origin_{number}" for number in range(ORIGINS))
REPEATED = "conjura_origin_0_again"
STUDIES = {
    study.name: study
    for study in (
        Study(
            name="mmm_simple",
            uses="mmm_simple",
            run=recovery,
        ),
        Study(
            name="lydia_as_weeks",
            uses="lydia",
            run=partial(lydia_with_steps, year_as="weekly"),
        ),
        Study(
            name="lydia_as_months",
            uses="lydia",
            run=partial(lydia_with_steps, year_as="monthly"),
        ),
        Study(name="dietary", uses="dietary", run=partial(carry_over, reading.dietary)),
        Study(name="robyn", uses="robyn", run=partial(described, reading.robyn)),
        Study(name="meridian", uses="meridian", run=partial(described, reading.meridian)),
        Study(name="conjura_daily", uses="conjura", run=forecast_daily),
        Study(name="conjura_weekly", uses="conjura", run=forecast_weekly),
        *(
            Study(name=name, uses="conjura", run=partial(origin, number=number))
            for number, name in enumerate(ORIGIN_NAMES)
        ),
        Study(name=REPEATED, uses="conjura", run=partial(origin, number=0, seed=SEED + 1)),
        Study(name="conjura_marketing", uses="conjura", run=forecast_marketing, peer=True),
    )
}
