import pytest

from adbudget.errors import InfeasibleError
from adbudget.optimizer import optimize
from adbudget.plan import Group, Limits
from tests.optimizer.hand_made import hand_made, spend_of


def conflict_of(limits, *today):
    draws = hand_made([[[300.0] * len(today)]])
    with pytest.raises(InfeasibleError) as caught:
        optimize(draws, spend_of(draws, *today), limits)
    return caught.value


def test_a_budget_out_of_reach_of_the_cells_names_both():
    error = conflict_of(Limits(budget=300.0, total="fixed"), 100, 100)
    assert set(error.conflict) == {"change", "total of account 0"}
    assert "exactly 300.00" in str(error)
    assert "between 140.00 and 260.00 over 2 cells" in str(error)


def test_a_budget_below_every_minimum_names_the_minimum():
    error = conflict_of(Limits(budget=100.0, change=None, lower=60.0), 100, 100)
    assert set(error.conflict) == {"lower", "total of account 0"}


def test_a_group_minimum_above_what_its_cells_may_spend():
    group = Group(name="video", channels=("channel 0",), minimum=500.0)
    error = conflict_of(Limits(groups=(group,), total="free"), 100, 100)
    assert set(error.conflict) == {"change", "group video minimum"}
    assert "at least 500.00" in str(error)


def test_a_group_whose_minimum_exceeds_its_maximum_names_only_these():
    group = Group(name="video", channels=("channel 0",), minimum=120.0, maximum=90.0)
    error = conflict_of(Limits(groups=(group,)), 100, 100)
    assert set(error.conflict) == {"group video minimum", "group video maximum"}


def test_two_group_minima_that_exceed_the_total():
    groups = tuple(
        Group(name=name, channels=(channel,), minimum=130.0)
        for name, channel in (("a", "channel 0"), ("b", "channel 1"))
    )
    error = conflict_of(Limits(groups=groups, change=0.5), 100, 100)
    assert set(error.conflict) == {"group a minimum", "group b minimum", "total of account 0"}


def test_a_cap_too_small_for_the_number_of_channels():
    error = conflict_of(Limits(max_share=0.4, total="fixed", change=None), 100, 100)
    assert set(error.conflict) == {"max_share in account 0", "total of account 0"}
    assert "no channel above 40%" in str(error)


def test_a_lower_bound_above_the_upper_one():
    error = conflict_of(Limits(lower=110.0, upper=105.0), 100, 100)
    assert set(error.conflict) == {"lower", "upper"}


def test_a_held_cell_outside_its_bounds():
    error = conflict_of(Limits(fixed=("channel 0",), upper=90.0), 100, 50)
    assert set(error.conflict) == {"fixed", "upper"}
    assert "account 0/channel 0" in str(error)


def test_a_channel_that_is_off_cannot_have_a_minimum_without_a_maximum():
    error = conflict_of(Limits(lower={("account 0", "channel 1"): 10.0}), 100, 0)
    assert set(error.conflict) == {"change", "lower"}
