"""A plot is one file and one line of the stub."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from adbudget.draws import Health
from adbudget.errors import InputError
from adbudget.forecasting import Forecast
from adbudget.report import plots

FOLDER = Path(plots.__file__).parent


def test_every_file_of_plots_offers_a_plot_and_every_plot_is_found():
    stub = (FOLDER / "__init__.pyi").read_text("utf-8")
    for path in FOLDER.glob("[!_]*.py"):
        assert f"from .{path.stem} import plot_" in stub
    assert dir(plots)
    assert all(name.startswith("plot_") and callable(getattr(plots, name)) for name in dir(plots))


def by_hand(problems=()):
    """Two draws of one account over three weeks, after three weeks of record."""
    nothing = pd.Series(dtype=float)
    health = Health(
        rhat_max=1.0, ess_bulk_min=1.0, ess_tail_min=1.0, divergences=0, n_draws=2,
        prior_share=nothing, fit_r2=nothing, problems=problems,
    )  # fmt: skip
    dates = pd.date_range("2025-01-06", periods=6, freq="7D")
    outcome = np.array([[[10.0, 10.0, 10.0]], [[20.0, 20.0, 26.0]]])
    named = {
        "outcome": (("draw", "account", "date"), outcome),
        "expected": (("draw", "account", "date"), outcome),
        "spend": (("account", "channel", "date"), np.ones((1, 1, 3))),
    }
    coords = {"account": ["a"], "channel": ["x"], "date": dates[3:]}
    history = {"account": ["a"], "date": dates[:3]}
    return Forecast(
        draws=xr.Dataset(named, coords=coords),
        history=xr.DataArray([[1.0, 2.0, 3.0]], dims=("account", "date"), coords=history),
        outcome_name="revenue", counts=False, unit_value=np.ones(1), currency=("EUR",),
        period="weekly", health=health,
    )  # fmt: skip


def test_a_forecast_is_drawn_as_record_mean_and_bands():
    axis = plots.plot_forecast(by_hand()).axes[0]
    record, mean = (line.get_ydata() for line in axis.lines)
    np.testing.assert_array_equal(record, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(mean, [15.0, 15.0, 18.0])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        *("recorded", "90% band", "50% band", "mean")
    ]
    assert axis.get_ylabel() == "revenue per week, EUR"


def test_a_forecast_that_cannot_be_trusted_is_drawn_with_those_words():
    figure = plots.plot_forecast(by_hand(problems=("r-hat is 2.",)), "a")
    assert "cannot be trusted" in figure.get_suptitle()


def test_a_forecast_of_an_account_nobody_knows_is_refused():
    with pytest.raises(InputError, match="there is no account 'b'"):
        plots.plot_forecast(by_hand(), "b")
