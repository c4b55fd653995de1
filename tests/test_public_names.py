"""What the package offers by name, and what is loaded before a name is used."""

import inspect
import pkgutil
import subprocess
import sys

import pytest

import adbudget

HEAVY = {"pymc", "nutpie", "arviz", "arviz_stats", "arviz_base", "numba", "pytensor", "matplotlib"}
LIGHT_WORK = """
import sys
import numpy as np
import pandas as pd
import adbudget as ab

days = np.repeat(pd.date_range("2024-01-01", periods=10), 2)
spend = pd.DataFrame({"account": "a", "channel": ["x", "y"] * 10, "date": days, "spend": 5.0})
panel = ab.read_panel(spend.assign(revenue=10.0))
draws = ab.CurveDraws(
    accounts=panel.accounts, channels=panel.channels,
    weights=np.linspace(1, 30, 40).reshape(20, 1, 2, 1, 1), scale=np.full((1, 2), 5.0),
    carry_in=np.ones((1, 2, 1)), retention=np.zeros(1), half_saturation=np.ones(1),
    unit_value=panel.unit_value, margin=panel.margin, currency=panel.currency,
    period_days=panel.period_days,
)
now = panel.current_spend()
ab.simulate(draws, now * 1.1, current=now)
ab.decide(ab.optimize(draws, now))
ab.Priors(), ab.fit, ab.recommend
from adbudget import synthetic
from adbudget import plot, reporting
from adbudget.reporting import panel, table
plot.curves, plot.pacing_data
print(*sorted(sys.modules))
"""


def run(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_everything_that_does_not_sample_loads_no_heavy_library():
    assert set(run(LIGHT_WORK).split()) & HEAVY == set()


def test_importing_the_package_loads_nothing_but_itself():
    loaded = run("import sys, adbudget\nprint(*sys.modules)").split()
    assert [name for name in loaded if name.startswith("adbudget")] == ["adbudget"]
    assert set(loaded) & {"numpy", "pandas", "xarray", "scipy", *HEAVY} == set()


@pytest.mark.parametrize("name", adbudget.__all__)
def test_every_public_name_resolves_and_says_what_it_is(name):
    found = getattr(adbudget, name)
    assert found is not None
    if name != "__version__":
        assert inspect.getdoc(found)


def test_no_module_hides_a_public_function():
    beside = {module.name for module in pkgutil.iter_modules(adbudget.__path__)}
    functions = {name for name in adbudget.__all__ if not inspect.ismodule(getattr(adbudget, name))}
    assert beside & functions == set()


@pytest.fixture(scope="module")
def everything_imported() -> list[str]:
    """Lines of a process that imports every module after SciPy, and looks round."""
    return run(
        "import importlib, inspect, pkgutil, warnings\n"
        "import numpy, pandas, scipy.linalg, scipy.sparse, scipy.special, scipy.stats\n"
        "def of_scipy():\n"
        "    return [f for f in warnings.filters if 'scipy' in str(f) or 'matrix' in str(f)]\n"
        "before = of_scipy()\n"
        "import adbudget as ab\n"
        "for found in pkgutil.walk_packages(ab.__path__, 'adbudget.'):\n"
        "    if not found.name.endswith('__main__'):\n"
        "        importlib.import_module(found.name)\n"
        "print(*[inspect.isfunction(getattr(ab, name)) for name in "
        "('read_panel', 'fit', 'simulate', 'optimize', 'decide', 'recommend', 'forecast')])\n"
        "print(len(before), of_scipy() == before)"
    ).splitlines()


def test_public_functions_stay_functions_after_their_modules_were_imported(everything_imported):
    assert everything_imported[0].split() == ["True"] * 7


def test_no_import_touches_the_warning_filters_of_scipy(everything_imported):
    n_filters, unchanged = everything_imported[1].split()
    assert int(n_filters) > 0, "a check of nothing would always hold"
    assert unchanged == "True"


def test_a_name_nobody_knows_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute recomend"):
        adbudget.recomend  # noqa: B018
