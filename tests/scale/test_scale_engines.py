"""Where tasks run changes nothing; a worker that dies costs the tasks it was at."""

import os
import signal
import sys
from pathlib import Path

import pytest

import adbudget as ab
from adbudget.scale.engines import Cluster, InProcess, Pool, engine_of, run_all


def square(number: int) -> int:
    return number * number


def dies_once(marker: str, number: int) -> int:
    """The first task of all to come here kills its own process, as the system does for memory."""
    if number == 2:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_always(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_the_order_of_the_tasks():
    assert run_all(InProcess(), "squares", square, [(3,), (1,), (2,)]) == [9, 1, 4]


@pytest.fixture
def pool() -> Pool:
    pytest.importorskip("joblib", reason="pip install 'adbudget[scale]'")
    return Pool(workers=2)


def test_a_pool_gives_what_this_process_gives(pool):
    assert run_all(pool, "squares", square, [(n,) for n in range(5)]) == [0, 1, 4, 9, 16]


def test_a_worker_that_dies_costs_only_the_tasks_that_were_not_done(pool, tmp_path):
    tasks = [(str(tmp_path / "died"), n) for n in range(5)]
    assert run_all(pool, "numbers", dies_once, tasks) == [0, 1, 2, 3, 4]


def test_tasks_whose_workers_always_die_are_given_up_with_advice(pool):
    with pytest.raises(ab.FitError, match="fewer workers or smaller shards"):
        run_all(pool, "numbers", dies_always, [(1,)])


def test_one_worker_is_this_process():
    with engine_of(None, 1) as engine:
        assert isinstance(engine, InProcess)


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "two"])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(ab.InputError, match="workers must be"), engine_of(None, workers):
        pass


def test_a_cluster_and_workers_are_one_too_many():
    with pytest.raises(ab.InputError, match="client and workers"), engine_of("tcp://x:1", 2):
        pass


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ab.InputError, match=r"adbudget\[dask\]"), engine_of("tcp://x:1", None):
        pass


@pytest.fixture(scope="module")
def local_cluster():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.filterwarnings("ignore")  # of dask's own, about the worker that is killed
def test_a_cluster_runs_the_tasks_of_a_worker_that_died_again(local_cluster, tmp_path):
    tasks = [(str(tmp_path / "died"), n) for n in range(5)]
    assert run_all(Cluster(client=local_cluster), "numbers", dies_once, tasks) == [0, 1, 2, 3, 4]


def test_the_address_of_a_scheduler_is_enough(local_cluster):
    with engine_of(local_cluster.scheduler.address, None) as engine:
        assert run_all(engine, "squares", square, [(2,), (3,)]) == [4, 9]


def test_an_address_nobody_answers_at_is_told(monkeypatch):
    distributed = pytest.importorskip("distributed")

    def refuse(*_, **__):
        raise OSError("Timed out trying to connect to tcp://127.0.0.1:9")

    monkeypatch.setattr(distributed, "Client", refuse)
    with (
        pytest.raises(ab.InputError, match="no dask scheduler answers"),
        engine_of("tcp://127.0.0.1:9", None),
    ):
        pass
