"""Every public record shows itself on one screen, in a terminal and in a notebook.

One large example of each, none of which is sampled. A new public class without one fails here.
"""

import inspect
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.display.page import Page, Shown, as_html, as_text, in_short
from adbudget.loop import CycleReport, LoopSettings
from adbudget.model.population import learned_population
from adbudget.scale import ScaleDecisions, ShardedFit
from adbudget.synthetic import WorldSpec, synthesize
from tests.made_fits import unsampled
from tests.optimizer.hand_made import random_world
from tests.pacing.flights import daily, plan_frame, plan_row
from tests.pacing.seller_cases import ask
from tests.policy.worked import AS_OF, EXAMPLE, table

MOST_LINES, MOST_LETTERS = 40, 4_000
NOT_RECORDS = {"Action"}  # one word
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def draws_and_now():
    return random_world(3, n_accounts=60, n_channels=4, n_draws=20)


@pytest.fixture(scope="module")
def panel():
    world = synthesize(WorldSpec(n_accounts=12, n_channels=5, n_periods=40), 2)
    return ab.read_panel(world.spend, world.outcome, currency="EUR")


def walk() -> ab.HistoryBacktest:
    """A walk through a history with a hundred notes."""
    rows = pd.DataFrame(
        {"date": "2026-01-05", "account": [f"a{i}" for i in range(90)], "forecast": 110.0,
         "seen": 100.0, "inside": True, "as_before": 90.0, "lift": 10.0, "lift_seen": 8.0,
         "lift_seen_sd": 2.0, "verdict": "kept"}
    )  # fmt: skip
    moves = pd.DataFrame(
        {"date": ["2026-01-05"], "spend": 100.0, "proposed": 110.0, "spent": 105.0}
    )
    return ab.HistoryBacktest(
        period="weekly", horizon=4, outcome_name="revenue", accounts=rows, moves=moves,
        notes=tuple(f"Note {i}: " + "something to know " * 12 for i in range(100)), seed=1,
    )  # fmt: skip


def world_backtest() -> ab.WorldBacktest:
    """Two hundred cycles."""
    cells = pd.MultiIndex.from_product([[f"a{i}" for i in range(40)], ["x", "y"]])
    arms = ("loop", "frozen", "roas", "oracle")
    gains = pd.DataFrame(dict.fromkeys((*arms, "best"), np.arange(200.0)))
    return ab.WorldBacktest(
        spec=WorldSpec(), seed=1, settings=LoopSettings(), start=pd.Series(100.0, cells),
        spend={arm: np.full((200, 80), 100.0) for arm in arms}, gains=gains,
        broken=dict.fromkeys(arms, 0), told=(),
    )  # fmt: skip


def of_thousands(folder, population):
    """What is learned of two thousand accounts in shards, and decided of them."""
    shards = pd.DataFrame(
        {"accounts": [25] * 80, "r_hat": 1.01, "effective": 800.0, "divergences": 0, "draws": 4000,
         "ok": True, "problems": ""}
    )  # fmt: skip
    fitted = ShardedFit(
        folder=folder, accounts={f"account {i}": i // 25 for i in range(2000)},
        population=population, passes=pd.DataFrame({"moved": [1.0, 0.1], "resized": [0.5, 0.05]}),
        shards=shards, refused={f"shop {i}": "its outcome is 0 throughout" for i in range(100)},
    )  # fmt: skip
    decisions = ScaleDecisions(
        folder=folder, fitted=fitted, calls={"increase": 900, "monitor": 6100, "reduce": 5000},
        expected_wrong_share=0.07, prob=0.82,
    )  # fmt: skip
    return fitted, decisions


@pytest.fixture(scope="module")
def examples(panel, draws_and_now, tmp_path_factory):
    draws, now = draws_and_now
    fitted = unsampled(panel)
    proposal = ab.optimize(draws, now)
    forecast = ab.forecast(fitted, "3w", draws=100, seed=0)
    decisions = ab.decide(proposal)
    rows = [(f"campaign {i:03}", 1_000.0, 20.0 + i) for i in range(150)]
    campaigns = table(*rows, conversions=40, days_live=60)
    deals = [plan_row(f"D{i:03}") for i in range(60)]
    delivered = pd.concat([daily(deal["deal"], [900.0] * 10) for deal in deals])
    folder = tmp_path_factory.mktemp("records")
    plan = ab.apply_policy(ab.load_policy(EXAMPLE), campaigns, as_of=AS_OF)
    every_cell = dict.fromkeys(now.index, 0.2)
    group = ab.Group(name="all", cells=tuple(now.index), maximum=5.0)
    found = [
        fitted, fitted.health, fitted.priors, panel, draws, proposal, proposal.plan, decisions,
        decisions.calls[0], ab.Thresholds(), ab.Risk(), forecast, plan, ab.load_policy(EXAMPLE),
        ab.Limits(change=every_cell, groups=(group,)), group, ab.PaceThresholds(),
        ab.simulate(draws, now * 1.1, current=now),
        ab.TargetPlan(
            metric="outcome", target=1e6, asked=0.8, probability=0.82, plan=proposal.plan,
            current=proposal.current, accounts=draws.accounts, spend=1.0, current_spend=1.0,
            forecast=forecast, reason="This plan reaches it. " * 30,
        ),
        ab.pace(plan_frame(*deals), delivered, as_of="2026-03-11T00:00"),
        ab.SellerRequest(ask=ask()), ab.FileOutbox(folder=folder),
        ab.HttpGateway(url="https://ads.example", rng=np.random.default_rng(0)),
        ab.open_ledger(folder / "ledger.db"),
        CycleReport(
            key="2026-03-02T08:00", at=AT, dry=True, resumed=False, until="2026-03-01",
            learned="updated with 5 rows", healthy=True, plans=(plan,), table=campaigns,
            rehearsal=pd.DataFrame(), applied=None, judged=(), exploration_cost=0.0, notes=(),
        ),
    ]  # fmt: skip
    found.append(ab.plan_tests(fitted, weeks=8, thresholds=ab.Thresholds(prob=0.5)))
    population = learned_population(fitted)
    found += [population, walk(), world_backtest(), *of_thousands(folder, population)]
    yield {type(one).__name__: one for one in found}
    next(one for one in found if isinstance(one, ab.Ledger)).close()


def record_names() -> set[str]:
    kinds = {name: getattr(ab, name) for name in ab.__all__ if name != "__version__"}
    classes = {name for name, one in kinds.items() if inspect.isclass(one)}
    return {n for n in classes if not issubclass(kinds[n], Exception)} - NOT_RECORDS


def test_there_is_an_example_of_every_public_record(examples):
    assert record_names() <= set(examples)


@pytest.mark.parametrize(
    "name", sorted(record_names() | {"CycleReport", "ShardedFit", "ScaleDecisions"})
)
def test_a_record_fits_on_one_screen_and_shows_itself_in_a_notebook(examples, name):
    record = examples[name]
    text, page = repr(record), record._repr_html_()
    assert len(text.splitlines()) <= MOST_LINES, text
    assert len(text) <= MOST_LETTERS, text
    assert max(map(len, text.splitlines())) <= 100 or text.count("\n") == 0, text
    assert "object at 0x" not in text
    assert page.startswith("<div>")
    assert page.count("<table") == page.count("</table>")
    assert page.count("<tr") <= 60


def test_what_is_left_out_is_counted(examples):
    assert "... and 222 more" in repr(examples["Decisions"]), "240 cells, of which 18 are shown"
    assert "... and 222 more" in examples["Decisions"]._repr_html_()


def test_decisions_say_how_many_of_what_and_what_to_ask_next(examples):
    decisions = examples["Decisions"]
    text = repr(decisions)
    counts = pd.Series([str(call.action) for call in decisions.calls]).value_counts()
    assert f"{counts['increase']:,} increase" in text
    assert ".to_frame()  .summary()" in text


def test_the_frame_of_decisions_is_one_row_per_call(examples):
    decisions = examples["Decisions"]
    frame = decisions.to_frame()
    assert list(zip(frame.account, frame.channel, strict=True)) == list(
        decisions.proposal.plan.spend.index
    )
    assert frame.decision.tolist() == [str(call.action) for call in decisions.calls]
    np.testing.assert_array_equal(frame.recommended_spend, decisions.proposal.plan.spend)


def test_the_summary_adds_up_the_frame(examples):
    frame, (row,) = (
        examples["Decisions"].to_frame(),
        examples["Decisions"].summary().to_dict("records"),
    )
    assert row["increase"] + row["monitor"] + row["reduce"] == len(frame)
    for name in ("current_spend", "recommended_spend", "expected_lift", "expected_value"):
        assert row[name] == pytest.approx(frame[name].sum())
    assert row["lift_low"] <= row["expected_lift"] <= row["lift_high"]


def test_a_small_record_is_shown_as_it_is_written():
    assert repr(ab.Risk()) == "Risk(aversion=0.2, tail=0.1)"
    assert repr(ab.Priors()) == "Priors()"
    assert repr(ab.Priors(roi_median=1.5)) == "Priors(roi_median=1.5)"
    assert eval(repr(ab.Priors(roi_sd=1.1)), {"Priors": ab.Priors}) == ab.Priors(roi_sd=1.1)


class Hostile(Shown):
    __slots__ = ()

    def page(self) -> Page:
        name = "<script>alert(1)</script>\x1b[2J"
        return Page(title=name, facts=[(name, name)], titles=(name,), rows=[(name,)], next=(name,))


def test_names_are_shown_and_never_obeyed():
    assert "<script" not in Hostile()._repr_html_()
    assert "&lt;script&gt;" in Hostile()._repr_html_()
    assert "\x1b" not in repr(Hostile()) + Hostile()._repr_html_()


def test_long_facts_are_wrapped_and_cut():
    page = Page(title="t", facts=[("reason", "word " * 400)])
    assert len(as_text(page).splitlines()) == 6
    assert max(map(len, as_text(page).splitlines())) <= 100
    assert "word " * 400 in as_html(page), "a notebook wraps by itself"


def test_arrays_and_collections_are_named_by_their_size():
    assert in_short(np.zeros((3, 4))) == "<3 x 4 float64>"
    assert in_short({"a": 1, "b": 2, "c": 3, "d": 4}) == "{'a': 1, 'b': 2, 'c': 3, ... 1 more}"
    assert in_short(pd.DataFrame({"x": [1, 2]})) == "<frame of 2 rows>"
    assert in_short(("x",)) == "('x',)"
