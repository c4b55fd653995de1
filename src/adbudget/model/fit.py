"""Panel -> Fit: gather evidence, sample, check, keep. What a caller of this folder needs."""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from adbudget.display.stages import stage, watched
from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.model.checkpoint import open_checkpoint
from adbudget.model.drift import drift_table, drift_warnings
from adbudget.model.factor import make_likelihood
from adbudget.model.gathering import Gathered, gather_all
from adbudget.model.lift_report import lift_warnings
from adbudget.model.lift_tests import LiftTests, read_lift_tests
from adbudget.model.memory import FitSize, check_memory, size_of_fit
from adbudget.model.options import FitOptions, check_cores
from adbudget.model.posterior import Posterior
from adbudget.model.priors import Priors
from adbudget.model.sampling import (
    history_of_tests,
    log_health,
    sample_until_healthy,
    thinned,
    told_of_thinning,
)
from adbudget.options import takes
from adbudget.panel.panel import Panel

if TYPE_CHECKING:
    import xarray as xr

    from adbudget.model.population import Population
    from adbudget.model.sampler import SamplerSettings


class Fit(Posterior):
    """A fitted model: its posterior, and what can be asked of it. See :class:`Posterior`.

    Examples
    --------
    >>> fit.save("shops.fit")
    >>> again = ab.Fit.load("shops.fit")
    >>> bool((again.draws.weights == fit.draws.weights).all())
    True
    >>> careful = again.recommend(limits=ab.Limits(change=0.1))
    >>> fit.draws.n_draws, len(fit.current_spend), len(fit.lift_tests)
    (400, 10, 0)
    >>> fit.posterior_predictive(seed=1, draws=50).dims, list(fit.contributions(seed=1, draws=50))
    (('draw', 'account', 'date'), ['media', 'baseline', 'expected', 'outcome'])
    >>> fit.cell_draws.roi.ndim, fit.layout.size == fit.positions.shape[2]  # as they are sampled
    (3, True)
    >>> list(fit.idata.posterior.sizes)[:2], list(fit.drift.columns[:3]), fit.population.n_accounts
    (['chain', 'draw'], ['change', 'standard_error', 'z'], 5)
    >>> longer = world.continued(fit.current_spend, n_periods=2)
    >>> rows = (table[table["date"] > panel.dates[-1]] for table in (longer.spend, longer.outcome))
    >>> fit.update(*rows).panel.n_periods
    54
    """

    @property
    def draws(self) -> CurveDraws:
        """The response curves, chains joined."""
        return self._curve_draws  # a property, as type checkers want it of what has draws

    @cached_property
    def _curve_draws(self) -> CurveDraws:
        from adbudget.model.curves_of import curve_draws
        from adbudget.model.population import population_of

        curves = curve_draws(self.cell_draws, self.evidence, self.panel, self.priors)
        return replace(curves, population=population_of(self))

    @cached_property
    def population(self) -> "Population":
        """What the accounts have in common, to be kept and to be the prior of the next ones."""
        from adbudget.model.population import learned_population

        return learned_population(self)

    @cached_property
    def idata(self) -> "xr.DataTree":
        """ArviZ-compatible DataTree: posterior, sample_stats, observed_data."""
        from adbudget.model.idata import to_datatree

        return to_datatree(self)

    @property
    def lift_tests(self) -> pd.DataFrame:
        """Every lift test beside what the fit expects of it; see ``lift_report``."""
        from adbudget.model.lift_report import lift_report

        return lift_report(self.cell_draws, self.evidence, self.lift_history)

    @cached_property
    def drift(self) -> pd.DataFrame:
        """By channel: how returns of the recent half of each record differ from the older half.

        See :func:`adbudget.model.drift.drift_table`.
        """
        if self.known_drift is not None:
            return self.known_drift
        return drift_table(self.panel, self.evidence, self.noise, self.priors, self.cell_draws)

    def update(self, data: Any, outcome: Any = None, **options: Any) -> "Fit":
        """The fit with rows of later periods added, without sampling the old ones again.

        Options and errors: :func:`adbudget.model.update.update`.
        """
        from adbudget.model.update import update

        return update(self, data, outcome, **options)

    def recommend(self, **options: Any) -> pd.DataFrame:
        """Increase, monitor or reduce: ``adbudget.recommend(fit, ...)``, which does not fit again.

        Options (``limits``, ``risk``, ``thresholds``, ``current``, ``policy`` ...), columns and
        errors are those of :func:`adbudget.recommend` about plans and calls.
        """
        import adbudget  # by its public name: what is learned knows none of the steps after it

        return adbudget.recommend(self, **options)

    def posterior_predictive(self, *, seed: int, draws: int = 200) -> "xr.DataArray":
        """Replicated outcomes (draw, account, period), outcome units; see ``predict.replicate``."""
        from adbudget.model.predict import replicate

        return replicate(self, seed=seed, n_draws=draws)

    def contributions(
        self, *, seed: int, draws: int = 200, accounts: Sequence[str] | None = None
    ) -> "xr.Dataset":
        """What channels, season and baseline brought, by period; see ``contributions``."""
        from adbudget.model.contributions import contributions

        return contributions(self, seed=seed, n_draws=draws, accounts=accounts)

    def save(self, path: str | Path) -> None:
        """Write the fit to one file; ``Fit.load`` gives back exactly the same draws."""
        from adbudget.model.storage import save

        save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> "Fit":
        """Read a fit that :meth:`save` wrote.

        Raises
        ------
        FileFormatError : not such a file, damaged, or written by a newer version
        """
        from adbudget.model.storage import load

        return load(cls, Path(path))


@takes(FitOptions)
def fit(
    panel: Panel, priors: Priors | None = None, *, seed: int, **options: Unpack[FitOptions]
) -> Fit:
    """Learn the response curves of a panel.

    While r-hat is above 1.01 or an effective sample size below 400, the chains go on from where
    they are; when more than 1% of the draws diverge, they are run again with smaller steps; at
    most twice in all. What is reached in the end stands in ``health``.

    Parameters
    ----------
    panel : from :func:`adbudget.read_panel`
    priors : what is believed before the data; ``Priors()`` when None
    seed : same seed and panel, same draws
    population : of other accounts, ``fit.population`` or the file it was saved in: what they have
        shown is believed of these, instead of ``priors``
    lift_tests : frame of experiments, one row per test, that count beside the history; its columns
        are those of :func:`adbudget.model.lift_tests.read_lift_tests`
    forgetting : days before an account's last record at which a row counts half; "auto" takes the
        half-life that would have forecast best, see
        :func:`adbudget.model.forgetting.choose_half_life`; None counts every row in full
    engine : "compiled" (default), or "pymc" for PyMC's own sampler on the readable definition
    draws, tune : kept and tuning draws per chain
    chains : number of chains, at least 2
    target_accept : acceptance the sampler aims at, in [0.6, 1); nearer to one means smaller steps,
        which is slower and diverges less
    cores : chains that run at once; all cores when None
    checkpoint : folder in which chains that are finished are kept until the fit is there. A fit
        that was stopped, started again with the same data, options and seed, goes on from them and
        gives the same draws; a chain that was under way is drawn again from its start
    progress : say on one line of standard error what is being done; None does so on a terminal
        and in Jupyter only

    Returns
    -------
    Fit

    Raises
    ------
    InputError : an argument is out of range
    OutOfMemoryError : it would not fit into memory; says what it needs, and what helps
    FitError : the sampler could not run

    Examples
    --------
    >>> fit = ab.fit(panel, seed=0, draws=200, tune=200, chains=2, progress=False)
    >>> fit.draws.n_draws >= 400, fit.seed
    (True, 0)
    """
    from adbudget.model.sampler import SamplerSettings

    lift_tests = options["lift_tests"]
    _check_arguments(panel, seed, options)
    _check_target_accept(options["target_accept"])
    tests = None if lift_tests is None else read_lift_tests(lift_tests, panel)
    priors = _believed(panel, priors, options["population"])
    settings = SamplerSettings(
        draws=options["draws"],
        tune=options["tune"],
        chains=options["chains"],
        cores=options["cores"],
        target_accept=float(options["target_accept"]),
    )
    with watched(options["progress"]):
        return _fitted(panel, priors, tests, seed, options, settings)


def _fitted(
    panel: Panel,
    priors: Priors,
    tests: LiftTests | None,
    seed: int,
    options: FitOptions,
    settings: "SamplerSettings",
) -> Fit:
    """Arguments that are checked -> the fit, stage by stage."""
    from threadpoolctl import threadpool_limits

    size = size_of_fit(panel, priors, settings.chains * settings.draws)
    check_memory(size)
    # Many small matrices: threads would only wait for each other, badly so on a busy machine.
    with stage("adding up the history"), threadpool_limits(limits=1, user_api="blas"):
        gathered = gather_all(panel, priors, forgetting=options["forgetting"], tests=tests)
    folder = options["checkpoint"]
    return fit_gathered(
        *(panel, priors, gathered, seed, options["engine"], settings),
        checkpoint=None if folder is None else Path(folder),
        size=size,
    )


def fit_gathered(
    panel: Panel,
    priors: Priors,
    gathered: Gathered,
    seed: int,
    engine: str,
    settings: "SamplerSettings",
    against: Priors | None = None,
    checkpoint: Path | None = None,
    size: FitSize | None = None,
) -> Fit:
    """Fit rows that are added up already.

    Parameters
    ----------
    panel, priors, gathered : of the same accounts
    seed, engine, settings : how to sample
    against : what ``health.prior_share`` compares with; ``priors`` when None
    checkpoint : folder of chains that are finished, in an earlier start too
    size : of the fit; no more chains are added than there is memory for
    """
    from threadpoolctl import threadpool_limits

    evidence = gathered.evidence
    with threadpool_limits(limits=1, user_api="blas"):
        likelihood = make_likelihood(evidence, priors)
    chains = None if checkpoint is None else open_checkpoint(checkpoint, likelihood, priors, engine)
    sample, health = sample_until_healthy(
        evidence, likelihood, priors, seed, engine, settings, against, chains, size
    )
    kept = thinned(sample)
    fitted = Fit(
        panel=panel,
        priors=priors,
        evidence=evidence,
        positions=kept.positions.astype(np.float32),
        sample_stats={
            "diverging": kept.diverging,
            "n_steps": kept.n_steps,
            "energy": kept.energy,
        },
        health=health,
        noise=gathered.noise,
        seed=seed,
        engine=engine,
        versions={name: version(name) for name in ("adbudget", "nutpie", "numpy", "pymc")},
        forgetting=gathered.half_life_days,
    )
    cells = fitted.cell_draws
    with stage("checking the fit"), threadpool_limits(limits=1, user_api="blas"):
        history = history_of_tests(evidence, priors, cells, seed, settings)
        told = lift_warnings(cells, evidence, history)
        warnings = (*health.warnings, *told, *drift_warnings(fitted.drift))
    n_kept = kept.diverging.size
    warnings += told_of_thinning(n_kept, health.n_draws)
    health = replace(health, warnings=warnings, n_kept=n_kept)
    log_health(health)
    if chains is not None:
        chains.clear()
    return replace(fitted, health=health, lift_history=history, known_drift=fitted.drift)


def _believed(
    panel: Panel, priors: Priors | None, population: "Population | str | Path | None"
) -> Priors:
    """The priors as given, or those that other accounts have made of them."""
    from adbudget.model.population import Population

    if population is None:
        return priors or Priors()
    if isinstance(population, str | Path):
        population = Population.load(population)
    if not isinstance(population, Population):
        raise InputError(
            "population must be fit.population, or the file one was saved in; got "
            f"{type(population).__name__}."
        )
    if priors is not None:
        raise InputError(
            "fit takes priors or a population, not both: the population was learned under priors "
            "of its own. Leave priors out, or learn the population again with them."
        )
    population.check_new(panel.accounts)
    return population.priors_for(panel.channels)


def _check_arguments(panel: object, seed: object, options: FitOptions) -> None:
    if not isinstance(panel, Panel):
        raise InputError(
            f"fit needs a Panel; got {type(panel).__name__}. Make one with read_panel(frame)."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be an integer >= 0; got {seed!r}.")
    if options["engine"] not in ("compiled", "pymc"):
        raise InputError(f'engine must be "compiled" or "pymc"; got {options["engine"]!r}.')
    for name, least in (("draws", 100), ("tune", 100), ("chains", 2)):
        value = options[name]
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name} must be an integer >= {least}; got {value!r}.")
    check_cores(options["cores"])


def _check_target_accept(target: float) -> None:
    number = isinstance(target, int | float | np.floating) and not isinstance(target, bool)
    if not (number and 0.6 <= target < 1):
        raise InputError(f"target_accept must be a number in [0.6, 1); got {target!r}.")
