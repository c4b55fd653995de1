"""Rows in folders of files are cut into shards: none is lost, and their order does not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import adbudget as ab
from adbudget.panel.together import join_panels
from adbudget.scale.apart import check_apart, for_accounts
from adbudget.scale.inputs import (
    accounts_of,
    by_account,
    cut_file,
    input_files,
    into_shards,
    rows_of_shard,
)
from adbudget.scale.store import Store, fingerprint, open_store


@given(st.sets(st.text(min_size=1), min_size=1, max_size=60), st.integers(2, 12))
def test_every_account_is_in_one_shard_and_shards_are_even(accounts, size):
    shards = into_shards(sorted(accounts), size)
    assert sorted(name for shard in shards for name in shard) == sorted(accounts)
    sizes = [len(shard) for shard in shards]
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


def test_shards_do_not_depend_on_the_order_of_the_accounts():
    names = [f"account {i}" for i in range(30)]
    assert into_shards(names, 7) == into_shards(names[::-1], 7)
    assert into_shards(names, 7)[0] != names[:5]


@pytest.fixture
def numbered(tmp_path):
    """Six accounts in three files, every account in two of them, one of whose names is 007."""
    rows = pd.DataFrame({"Account": ["007", "a", "b", "c", "d", "e"] * 4, "row": range(24)})
    for i, part in enumerate((rows[:10], rows[10:17], rows[17:])):
        part.to_parquet(tmp_path / f"{i}.parquet", index=False)
    return tmp_path, rows


def test_pieces_of_shards_hold_every_row_once(numbered, tmp_path_factory):
    folder, rows = numbered
    files = input_files(folder, "spend")
    store = Store(folder=tmp_path_factory.mktemp("work"))
    names = sorted({name for file in files for name in accounts_of(file, "account")})
    assert names == ["007", "a", "b", "c", "d", "e"]
    shards = into_shards(names, 2)
    store.keep({name: k for k, own in enumerate(shards) for name in own}, "shard_of")
    assert sum(cut_file(store, i, file, "account") for i, file in enumerate(files)) == len(rows)
    seen = []
    for k, own in enumerate(shards):
        parts = by_account(rows_of_shard(store, files, k, "spend"), "account")
        assert sorted(parts) == own
        seen += [row for part in parts.values() for row in part["row"]]
    assert sorted(seen) == list(range(24))


def test_numbers_beside_a_missing_one_stay_the_names_they_are():
    rows = pd.DataFrame({"account": [7.0, np.nan, 12.0]})
    assert sorted(by_account(rows, "account")) == ["", "12", "7"]


def test_folders_named_key_value_are_columns_of_text(tmp_path):
    (tmp_path / "account=007").mkdir()
    pd.DataFrame({"row": [1, 2]}).to_parquet(tmp_path / "account=007" / "a.parquet")
    (file,) = input_files(tmp_path, "spend")
    assert accounts_of(file, "account") == ["007"]
    store = Store(folder=tmp_path / "work")
    store.keep({"007": 0}, "shard_of")
    cut_file(store, 0, file, "account")
    assert rows_of_shard(store, [file], 0, "spend")["account"].tolist() == ["007", "007"]


def test_a_folder_without_parquet_files_is_refused(tmp_path):
    with pytest.raises(ab.InputError, match=r"no \.parquet file"):
        input_files(tmp_path, "spend")


def test_a_file_without_the_account_column_is_named(tmp_path):
    pd.DataFrame({"client": ["a"]}).to_parquet(tmp_path / "a.parquet")
    (file,) = input_files(tmp_path, "spend")
    with pytest.raises(ab.InputError, match=r"columns=\{'account': 'NAME'\}"):
        accounts_of(file, "account")
    assert accounts_of(file, "client") == ["a"]


def test_panels_read_apart_are_joined_to_what_is_read_together(world):
    together = ab.read_panel(world.spend, world.outcome)
    parts = [
        ab.read_panel(*(rows[rows["account"] == name] for rows in (world.spend, world.outcome)))
        for name in reversed(together.accounts)
    ]
    joined = join_panels(parts)
    for name in ("spend", "live", "outcome", "control_values", "first", "last", "last_spend"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(together, name))
    assert joined.accounts == together.accounts
    assert joined.channels == together.channels
    assert (joined.dates == together.dates).all()


def test_an_account_in_two_panels_is_refused(world):
    panel = ab.read_panel(world.spend, world.outcome)
    with pytest.raises(ab.InputError, match="in two panels"):
        join_panels([panel, panel])


def test_options_of_other_accounts_are_left_out():
    limits = ab.Limits(
        change={("a", "x"): 0.1, ("b", "x"): 0.2},
        budget={"a": 10.0, "b": 20.0},
        fixed=("y", ("b", "x")),
        groups=(ab.Group(name="g", accounts=("b",), maximum=5.0),),
    )
    previous = pd.DataFrame({"account": ["a", "b"], "channel": "x", "decision": "monitor"})
    options = {"limits": limits, "margin": {"a": 0.4, "b": 0.5}, "previous": previous}
    own = for_accounts(options, ("a",))
    assert own["limits"].change == {("a", "x"): 0.1}
    assert own["limits"].budget == {"a": 10.0}
    assert own["limits"].fixed == ("y",)
    assert own["limits"].groups == ()
    assert own["margin"] == {"a": 0.4}
    assert own["previous"]["account"].tolist() == ["a"]


@pytest.mark.parametrize(
    "limits",
    [
        ab.Limits(pool="currency"),
        ab.Limits(budget=100.0),
        ab.Limits(groups=(ab.Group(name="video", channels=("video",), maximum=5.0),)),
    ],
)
def test_what_ties_accounts_together_is_refused(limits):
    with pytest.raises(ab.InputError, match="account"):
        check_apart({"limits": limits})


def test_a_working_folder_of_another_run_is_refused(tmp_path):
    open_store(tmp_path / "work", {"seed": 1})
    open_store(tmp_path / "work", {"seed": 1})
    with pytest.raises(ab.InputError, match="holds another run: seed differ"):
        open_store(tmp_path / "work", {"seed": 2})


def test_a_working_folder_begins_empty(tmp_path):
    (tmp_path / "photos").touch()
    with pytest.raises(ab.InputError, match="other files"):
        open_store(tmp_path, {"seed": 1})


def test_fingerprints_tell_tables_apart_by_their_rows():
    one, other = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})
    assert fingerprint({"t": one}) == fingerprint({"t": one.copy()})
    assert fingerprint({"t": one}) != fingerprint({"t": other})
