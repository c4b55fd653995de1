"""A few accounts in Parquet files, learned once in two shards."""

from pathlib import Path

import pytest

from adbudget import scale
from adbudget.synthetic import WorldSpec, synthesize

SETTINGS = {
    "shard_size": 3, "passes": 2, "pass_draws": 300, "pass_chains": 2, "draws": 250, "tune": 200,
    "seed": 3, "progress": False,
}  # fmt: skip


@pytest.fixture(scope="session")
def world():
    spec = WorldSpec(n_accounts=6, n_channels=2, n_periods=(40, 52), noise=0.05)
    return synthesize(spec, 8)


@pytest.fixture(scope="session")
def rows_folder(world, tmp_path_factory) -> Path:
    """Spend in two files with the rows of every account in both, outcome in one."""
    folder = tmp_path_factory.mktemp("rows")
    for kind, rows, n_files in (("spend", world.spend, 2), ("outcome", world.outcome, 1)):
        (folder / kind).mkdir()
        for i in range(n_files):
            rows.iloc[i::n_files].to_parquet(folder / kind / f"part-{i}.parquet", index=False)
    return folder


@pytest.fixture(scope="session")
def decided(rows_folder, tmp_path_factory) -> scale.ScaleDecisions:
    """Learned and decided in this process."""
    folder = tmp_path_factory.mktemp("scale")
    return scale.recommend(
        rows_folder / "spend",
        rows_folder / "outcome",
        out=folder / "decisions",
        work=folder / "work",
        workers=1,
        **SETTINGS,
    )


@pytest.fixture(scope="session")
def fitted(decided) -> scale.ShardedFit:
    return decided.fitted
