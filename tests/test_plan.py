import numpy as np
import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.plan import Group, Limits, Plan

CELL = ("north", "tv")


def test_a_plan_adds_up_by_account():
    index = pd.MultiIndex.from_tuples(
        [("north", "tv"), ("north", "web"), ("south", "tv")], names=["account", "channel"]
    )
    plan = Plan(spend=pd.Series([1.0, 2.0, 4.0], index=index))
    assert plan.total_by_account.to_dict() == {"north": 3.0, "south": 4.0}


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_plan_holds_only_spend_that_can_be_spent(bad):
    index = pd.MultiIndex.from_tuples([CELL], names=["account", "channel"])
    with pytest.raises(InputError, match="north"):
        Plan(spend=pd.Series([bad], index=index))


def test_a_series_and_a_mapping_limit_the_same():
    series = pd.Series([0.2], index=pd.MultiIndex.from_tuples([CELL]))
    assert Limits(change=series).change == Limits(change={CELL: 0.2}).change == {CELL: 0.2}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"change": -0.3}, "change must be a fraction"),
        ({"change": (0.1, 0.2, 0.3)}, "one fraction or"),
        ({"change": "30%"}, "change must be"),
        ({"change": {"tv": 0.3}}, "change must name cells"),
        ({"lower": {CELL: np.nan}}, r"lower\[\('north', 'tv'\)\]"),
        ({"upper": -5}, "upper must be money"),
        ({"total": "some"}, "total must be one of"),
        ({"total": "free", "budget": 5.0}, "budget has no effect"),
        ({"budget": {"north": -1.0}}, r"budget\['north'\]"),
        ({"budget": True}, "budget must be"),
        ({"pool": "all"}, "pool must be"),
        ({"groups": ("tv",)}, "groups must hold Group"),
        ({"groups": Group(name="tv", channels=("tv",), maximum=1.0)}, "groups must be a tuple"),
        ({"groups": (Group(name="g", channels=("tv",), maximum=1.0),) * 2}, "different names"),
        ({"max_share": 1.5}, "max_share must be in"),
        ({"max_share": 0.0}, "max_share must be in"),
        ({"fixed": "tv"}, "fixed must be a tuple"),
        ({"fixed": (("north", "tv", "x"),)}, "fixed must name cells"),
        ({"step": 0.0}, "step must be > 0"),
    ],
)
def test_unusable_limits_are_named(wrong, says):
    with pytest.raises(InputError, match=says):
        Limits(**wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"maximum": 1.0}, "selects no cells"),
        ({"channels": ("tv",)}, "limits nothing"),
        ({"channels": "tv", "maximum": 1.0}, "must be a tuple"),
        ({"cells": ("tv",), "maximum": 1.0}, "must name cells"),
        ({"channels": ("tv",), "minimum": -1.0}, "minimum must be"),
    ],
)
def test_unusable_groups_are_named(wrong, says):
    with pytest.raises(InputError, match=says):
        Group(name="g", **wrong)


@pytest.mark.parametrize("change", [20, (0.1, 30.0), {("a", "x"): 25.0}])
def test_a_change_written_as_a_percentage_is_refused_with_what_was_meant(change):
    with pytest.raises(InputError, match=r"Did you mean 0\.(2|3|25)\?"):
        Limits(change=change)
    assert Limits(change=4.0).change == 4.0
