"""Series -> forecasts by statsforecast, in an interpreter that has it. Run by bench_forecast.py.

``python forecast_peers.py series.csv HORIZON SEASON out.csv``: the table has unique_id, ds (whole
numbers) and y; the answer has unique_id, ds, tool, mean and sd (of the 90% interval, as if normal).
"""

import sys

import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoARIMA, AutoETS, Naive, SeasonalNaive

NORMAL_95 = 1.6448536269514722
ETS_SEASON_AT_MOST = 24  # its state space knows no longer season


def main() -> None:
    """Read, forecast, write."""
    path, horizon, season, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    table = pd.read_csv(path)
    length = table.groupby("unique_id")["y"].transform("size")
    made = []
    for seasonal, part in table.groupby(length >= season + horizon):
        usual = SeasonalNaive(season, alias="seasonal naive")
        short = season if season <= ETS_SEASON_AT_MOST else 1
        models = [
            usual if seasonal else Naive(alias="seasonal naive"),
            AutoETS(season_length=short, alias="AutoETS"),
            AutoARIMA(season_length=short, alias="AutoARIMA"),
        ]
        engine = StatsForecast(models=models, freq=1, n_jobs=1, fallback_model=Naive())
        wide = engine.forecast(df=part, h=horizon, level=[90]).reset_index()
        for model in models:
            name = model.alias
            sd = (wide[f"{name}-hi-90"] - wide[f"{name}-lo-90"]) / (2 * NORMAL_95)
            named = {"tool": name, "mean": wide[name], "sd": sd}
            made.append(wide[["unique_id", "ds"]].assign(**named))
    pd.concat(made).to_csv(out, index=False)


if __name__ == "__main__":
    main()
