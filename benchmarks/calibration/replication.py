"""Seed -> one replication: draw, fit, rank. The model by itself, the pipeline, or all plugged in.

``model`` fits the outcome the model drew with the priors that drew it, on the design that drew it,
row weights and whitening off: ranks must be uniform. ``pipeline`` sends a table of positive
outcomes through ``read_panel`` and ``fit``, with all that is estimated beforehand switched on.
``plugged`` does the same to spend and outcome in which all of that is drawn too (``plugged.py``).
"""

import time

import numpy as np
import pandas as pd

from adbudget import Health, fit, read_panel
from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.sampler import SamplerSettings, sample_compiled

from .joint import Drawn, Setting, draw_jointly, drawn_panel, small_setting
from .moves import judge_moves
from .plugged import KINDS_OF_NOISE, draw_plugged
from .quantities import Frame, curves, draw_noise_sd, quantities
from .ranks import rank_pit

KINDS = ("model", "pipeline", "plugged")
N_RANKED = 99  # draws that the truth is ranked among, far enough apart to be independent
DRAWS, TUNE, CHAINS = 1000, 500, 4


def replicate(kind: str, seed: int, setting: Setting | None = None, cores: int = 2) -> dict:
    """One replication as JSON can hold it.

    Parameters
    ----------
    kind : one of :data:`KINDS`
    seed : of the draw, the sampler and the ties
    setting : what is fixed; :func:`small_setting` when None
    cores : of the sampler; they change no draw

    Returns
    -------
    dict with ``pit`` (key -> list by element), ``sd`` (key -> posterior sd, mean over elements),
    ``truth`` (key -> of the first element), ``moves`` (stated probability, pays, called), what
    the sampler says of itself, and ``drawn``: what else was drawn
    """
    setting = setting or small_setting()
    start = time.perf_counter()
    draw_seed, fit_seed, tie_seed = np.random.SeedSequence([KINDS.index(kind), seed]).spawn(3)
    drawn_from = int(draw_seed.generate_state(1)[0])
    if kind == "plugged":
        noise = KINDS_OF_NOISE[seed % len(KINDS_OF_NOISE)]
        setting, drawn = draw_plugged(setting, drawn_from, noise)
    else:
        drawn = draw_jointly(setting, drawn_from, positive=kind == "pipeline")
    run = _fit_model if kind == "model" else _fit_pipeline
    frame, positions, said, health = run(setting, drawn, int(fit_seed.generate_state(1)[0]), cores)
    rng = np.random.default_rng(tie_seed)
    ranked = positions[np.linspace(0, len(positions) - 1, N_RANKED).astype(int)]
    tested, true = quantities(frame, ranked), quantities(frame, drawn.position[None])
    tested["noise_sd"] = draw_noise_sd(frame, ranked, rng)
    # Both in units of the outcome scale of the evidence.
    rescale = setting.design.outcome_scale / frame.evidence.design.outcome_scale
    true["noise_sd"] = (drawn.noise_sd * rescale)[None]
    moves = judge_moves(
        curves(frame, positions), curves(frame, drawn.position[None]), frame.current, health
    )
    return {
        "kind": kind,
        "seed": seed,
        "pit": {k: _rounded(rank_pit(tested[k], true[k][0], rng)) for k in tested},
        "sd": {k: _short(tested[k].std(axis=0).mean()) for k in tested},
        "truth": {k: _short(true[k][0, 0]) for k in tested},
        "moves": [[round(m.prob, 4), int(m.pays), int(m.called)] for m in moves],
        "seconds": round(time.perf_counter() - start, 2),
        **said,
        **({"drawn": drawn.facts} if drawn.facts else {}),
    }


def _fit_model(setting: Setting, drawn: Drawn, seed: int, cores: int):
    """The compiled engine on the design, priors and noise that drew."""
    panel = drawn_panel(setting, drawn)
    evidence = gather(panel, setting.design)
    likelihood = make_likelihood(evidence, setting.priors)
    settings = SamplerSettings(draws=DRAWS, tune=TUNE, chains=CHAINS, cores=cores)
    sample = sample_compiled(likelihood, setting.priors, setting.layout, seed, settings)
    frame = Frame(
        setting=setting,
        panel=panel,
        evidence=evidence,
        likelihood=likelihood,
        current=panel.current_spend(),
    )
    said = {"divergences": int(sample.diverging.sum())}
    return frame, sample.positions.reshape(-1, setting.layout.size), said, None


def _fit_pipeline(setting: Setting, drawn: Drawn, seed: int, cores: int):
    """A table through ``read_panel`` and ``fit``, as a user would."""
    panel = read_panel(*tables(setting, drawn))
    fitted = fit(
        panel,
        setting.priors,
        seed=seed,
        draws=DRAWS,
        tune=TUNE,
        chains=CHAINS,
        cores=cores,
        progress=False,
    )
    frame = Frame(
        setting=setting,
        panel=panel,
        evidence=fitted.evidence,
        likelihood=make_likelihood(fitted.evidence, fitted.priors),
        current=panel.current_spend(),
        noise=fitted.noise,
    )
    health: Health = fitted.health
    said = {
        "divergences": health.divergences,
        "rhat": round(health.rhat_max, 4),
        "ess": round(health.ess_bulk_min),
        "healthy": health.ok,
        "tail_df": None if np.isinf(fitted.noise.tail_df) else fitted.noise.tail_df,
        "level_power": fitted.noise.level_power,
        "autocorrelation": _rounded(fitted.noise.autocorrelation),
    }
    positions = fitted.positions.astype(float).reshape(-1, setting.layout.size)
    return frame, positions, said, health


def tables(setting: Setting, drawn: Drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spend and outcome as frames that ``read_panel`` reads."""
    panel = setting.panel
    accounts, channels = np.array(panel.accounts), np.array(panel.channels)
    a, c, t = np.nonzero(panel.live)
    spend = pd.DataFrame(
        {
            "account": accounts[a],
            "channel": channels[c],
            "date": panel.dates[t].astype("datetime64[ns]"),
            "spend": panel.spend[a, c, t],
        }
    )
    a, t = np.nonzero(np.isfinite(drawn.outcome))
    outcome = pd.DataFrame(
        {
            "account": accounts[a],
            "date": panel.dates[t].astype("datetime64[ns]"),
            panel.outcome_name: drawn.outcome[a, t],
        }
    )
    return spend, outcome


def _rounded(values: np.ndarray) -> list[float]:
    return [_short(value) for value in np.ravel(values)]


def _short(value: float) -> float:
    """Four significant digits: what a line of JSON needs."""
    return float(f"{value:.4g}")
