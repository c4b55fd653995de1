"""Functions of one account's rows: fixed columns, nothing read or written beside."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget import scale
from adbudget.scale.accounts import DECISIONS, EVIDENCE, panel_of, spark_schema

FAST = {"draws": 100, "tune": 100, "chains": 2, "seed": 1}


@pytest.fixture(scope="module")
def rows(world) -> pd.DataFrame:
    """Spend and outcome in one table, as engines that group rows want it."""
    return world.spend.merge(world.outcome, on=["account", "date"])


@pytest.fixture(scope="module")
def own(rows) -> pd.DataFrame:
    return rows[rows["account"] == rows["account"].iloc[0]]


def test_evidence_is_one_row_that_holds_the_whole_panel(own):
    frame = scale.account_evidence(own)
    assert list(frame.columns) == list(EVIDENCE)
    assert len(frame) == 1
    panel, packed = ab.read_panel(own), panel_of(frame["evidence"].iloc[0])
    for field in fields(panel):
        mine, theirs = getattr(panel, field.name), getattr(packed, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs
    assert frame["periods"].iloc[0] == panel.n_periods


def test_evidence_of_two_accounts_is_refused(rows):
    with pytest.raises(ab.InputError, match="rows of one account"):
        scale.account_evidence(rows)


def test_learning_takes_evidence_in_the_place_of_rows(rows, own, tmp_path):
    names = sorted(rows["account"].unique())[:4]
    (tmp_path / "evidence").mkdir()
    for name in names:
        one = scale.account_evidence(rows[rows["account"] == name])
        one.to_parquet(tmp_path / "evidence" / f"{name}.parquet", index=False)
    settings = {"passes": 1, "pass_draws": 100, "draws": 100, "tune": 100, "chains": 2}
    learned = scale.learn(
        tmp_path / "evidence", work=tmp_path / "work", workers=1, progress=False, **settings
    )
    assert sorted(learned.accounts) == names


def test_a_newcomer_is_decided_by_itself_from_rows_or_from_evidence(own, fitted):
    newcomer = own.assign(account="newcomer")
    frame = scale.decide_account(newcomer, fitted.population, **FAST)
    assert list(frame.columns) == list(DECISIONS)
    assert set(frame["account"]) == {"newcomer"}
    packed = scale.account_evidence(newcomer)
    again = scale.decide_account(packed, fitted.population, **FAST)
    pd.testing.assert_frame_equal(frame, again)


def test_an_account_of_the_population_is_refused(own, fitted):
    with pytest.raises(ab.InputError, match="count twice"):
        scale.decide_account(own, fitted.population)


def test_schemas_are_written_as_spark_reads_them():
    assert spark_schema({"account": "string", "n": "bigint"}) == "account string, n bigint"


@pytest.mark.slow
def test_a_sample_is_compared_with_a_fit_of_all_of_it(fitted):
    short = {"passes": 1, "pass_draws": 100, "draws": 200, "tune": 200, "workers": 1}
    table = scale.compare_with_joint(fitted, 6, seed=1, shard_size=3, **short)
    assert len(set(table.index.get_level_values("account"))) == 6
    assert table["shift"].abs().mean() < 0.5
    assert table["sd_ratio"].mean() == pytest.approx(1, abs=0.25)
    assert (table["pays"] - table["pays_joint"]).abs().mean() < 0.1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Spark's own
def test_spark_maps_both_functions_over_accounts(rows, fitted, tmp_path):
    sql = pytest.importorskip("pyspark.sql", reason="pip install pyspark, and Java 17")
    fitted.population.save(tmp_path / "all.population")
    path = str(tmp_path / "all.population")

    def decided(own: pd.DataFrame) -> pd.DataFrame:
        from adbudget.scale import decide_account

        return decide_account(own, path, **FAST)

    session = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = session.getOrCreate()
    try:
        two = sorted(rows["account"].unique())[:2]
        plain = rows[rows["account"].isin(two)].assign(date=lambda t: t["date"].astype(str))
        plain["account"] = "new " + plain["account"]
        table = spark.createDataFrame(plain)
        schema = spark_schema(EVIDENCE)
        evidence = table.groupBy("account").applyInPandas(scale.account_evidence, schema)
        assert evidence.count() == 2
        found = table.groupBy("account").applyInPandas(decided, spark_schema(DECISIONS)).toPandas()
    finally:
        spark.stop()
    alone = pd.concat([decided(part) for _, part in plain.groupby("account")], ignore_index=True)
    found = found.sort_values(["account", "channel"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, alone, check_dtype=False)
