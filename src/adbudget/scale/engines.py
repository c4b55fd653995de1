"""A function and many tasks -> results in the order of the tasks, wherever they ran.

In this process, in a pool of local processes (joblib), or on a dask.distributed cluster. What a
task gives depends on the task alone, so results are the same for any engine and any number of
workers. A worker that dies costs the tasks it was at: they run again.
"""

import importlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from adbudget.display.stages import reached, stage, told
from adbudget.errors import FitError, InputError

MOST_LOST = 3  # times a pool is started anew before a task is given up
type Task = tuple[Any, ...]


def library(name: str, extra: str) -> Any:
    """An optional library, or what to install.

    Raises
    ------
    InputError : it is not installed
    """
    try:
        return importlib.import_module(name)
    except ImportError as cause:
        raise InputError(
            f"this needs {name}, which is not installed: pip install 'adbudget[{extra}]'"
        ) from cause


class Engine(Protocol):
    """Where tasks run."""

    def run(self, function: Callable[..., Any], tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """Place of a task and its result, in any order."""
        ...


def run_all(
    engine: Engine, what: str, function: Callable[..., Any], tasks: Sequence[Task]
) -> list[Any]:
    """Results in the order of the tasks, with a line of progress.

    Parameters
    ----------
    engine : from :func:`engine_of`
    what : the stage is called, for whoever watches
    function : of a module, so that workers find it
    tasks : arguments of each call; small, as they travel
    """
    results: list[Any] = [None] * len(tasks)
    with stage(what):
        for done, (place, result) in enumerate(engine.run(function, tasks), start=1):
            results[place] = result
            reached(done, len(tasks), "tasks")
    return results


@contextmanager
def engine_of(client: Any, workers: int | None) -> Iterator[Engine]:
    """The engine that is asked for.

    Parameters
    ----------
    client : a ``dask.distributed.Client``, the address of a scheduler, or None
    workers : processes on this machine, where there is no client; all cores when None

    Raises
    ------
    InputError : both are given, or a library is missing
    """
    if client is not None and workers is not None:
        raise InputError(
            "client and workers both say where to run: a cluster has its own workers. Give one."
        )
    if client is None:
        count = os.cpu_count() or 1 if workers is None else workers
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InputError(f"workers must be None or an integer >= 1; got {workers!r}.")
        yield InProcess() if count == 1 else Pool(workers=count)
        return
    distributed = library("distributed", "dask")
    if not isinstance(client, str):
        yield Cluster(client=client)
        return
    try:
        opened = distributed.Client(client, timeout="30s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as cause:
        raise InputError(f"no dask scheduler answers at {client}: {cause}.") from cause
    try:
        yield Cluster(client=opened)
    finally:
        opened.close()


@dataclass(frozen=True, slots=True)
class InProcess:
    """One task after the other, here."""

    def run(self, function: Callable[..., Any], tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """See :class:`Engine`."""
        for place, task in enumerate(tasks):
            yield place, function(*task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Processes of this machine.

    Attributes
    ----------
    workers : how many
    """

    workers: int

    def run(self, function: Callable[..., Any], tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """See :class:`Engine`."""
        joblib = library("joblib", "scale")
        from joblib.externals.loky.process_executor import BrokenProcessPool

        # The pool replaces a worker that has grown, which costs nothing and says nothing of a task.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        left, lost = dict(enumerate(tasks)), 0
        while left:
            try:
                for place, result in self._once(joblib, function, left):
                    del left[place]
                    yield place, result
            except BrokenProcessPool as cause:
                lost += 1
                told("a worker died; %d tasks are left and run again", len(left))
                if lost > MOST_LOST:
                    raise FitError(
                        f"workers died {lost} times ({cause}). Most often memory is short: use "
                        "fewer workers or smaller shards. What is done is kept: run again to go on."
                    ) from cause

    def _once(self, joblib, function, left: dict[int, Task]) -> Iterator[tuple[int, Any]]:
        parallel = joblib.Parallel(
            # Never one: joblib would run that in this process, which a task may not bring down.
            n_jobs=max(self.workers, 2),
            return_as="generator_unordered",
            batch_size=1,
        )
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            yield from parallel(
                joblib.delayed(_numbered)(place, function, task)
                for place, task in list(left.items())
            )


def _numbered(place: int, function: Callable[..., Any], task: Task) -> tuple[int, Any]:
    return place, function(*task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Workers of a dask.distributed scheduler, which runs the tasks of a lost worker again.

    Attributes
    ----------
    client : of the scheduler
    """

    client: Any

    def run(self, function: Callable[..., Any], tasks: Sequence[Task]) -> Iterator[tuple[int, Any]]:
        """See :class:`Engine`."""
        from distributed import KilledWorker, as_completed

        futures = {
            self.client.submit(function, *task, pure=False): place
            for place, task in enumerate(tasks)
        }
        try:
            for future, result in as_completed(list(futures), with_results=True):
                yield futures[future], result
        except KilledWorker as cause:
            raise FitError(
                f"a task was lost with its worker too often ({cause}). Most often memory is short: "
                "use smaller shards or larger workers. What is done is kept: run again to go on."
            ) from cause
        finally:
            for future in futures:
                future.release()
