"""The same call on one core, on several, or on a Dask cluster, with the same answer."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, delayed, parallel_config

from estate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who does the work: `jobs` processes of this machine, or a Dask scheduler's workers.

    A scheduler, or its first worker, that does not answer within `timeout_s` is given up.
    """

    jobs: int = 1
    scheduler: str = ""
    timeout_s: float = 10.0


def mapped(
    function: Callable[..., R],
    arguments: Sequence[tuple[Any, ...]],
    workers: Workers,
    done: Callable[[int, R], None] = lambda _place, _answer: None,
) -> list[R]:
    """Return the function's answer for each of the arguments, in their order.

    `done` is told the place and the answer of each as it comes, in no order.

    Raises
    ------
    InputError
        When the scheduler does not answer or has no worker, or Dask is not installed.
    """
    answers = dict[int, R]()
    for place, answer in _answers(function, arguments, workers):
        done(place, answer)
        answers[place] = answer
    return [answers[place] for place in range(len(arguments))]


def _answers(
    function: Callable[..., R], arguments: Sequence[tuple[Any, ...]], workers: Workers
) -> Iterator[tuple[int, R]]:
    calls = [(place, function, each) for place, each in enumerate(arguments)]
    if workers.scheduler:
        with _cluster(workers.scheduler, timeout_s=workers.timeout_s):
            yield from _as_they_come(calls, jobs=-1)
    elif workers.jobs == 1:
        yield from (_placed(*call) for call in calls)
    else:
        with _quiet_about_grown_workers():
            yield from _as_they_come(calls, jobs=workers.jobs)


def _as_they_come(
    calls: Sequence[tuple[int, Callable[..., R], tuple[Any, ...]]], *, jobs: int
) -> Iterator[tuple[int, R]]:
    found: Iterator[tuple[int, R]] = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_placed)(*call) for call in calls
    )
    yield from found


def _placed(place: int, function: Callable[..., R], each: tuple[Any, ...]) -> tuple[int, R]:
    return place, function(*each)


@contextmanager
def _quiet_about_grown_workers() -> Iterator[None]:
    """Say nothing of a worker that is replaced because it grew.

    loky replaces a worker that holds 300 MB more after an answer than after its first, and
    warns. What it held is memory that the solvers' allocator keeps for the next problem; each
    answer was handed over before, and the new worker goes on with the next.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        yield


@contextmanager
def _cluster(scheduler: str, *, timeout_s: float) -> Iterator[None]:
    try:
        # An optional extra, and slow to import.
        from distributed import Client  # noqa: PLC0415 - see above
        from distributed.comm.addressing import resolve_address  # noqa: PLC0415 - see above
    except ImportError as error:
        hint = "pip install 'wingspan[cluster]'"
        raise InputError("a scheduler needs Dask", hint=hint) from error
    try:
        # A client whose address is none is left half made, and in time locks up another.
        resolve_address(scheduler)
        client = Client(scheduler, timeout=timeout_s)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler}",
            hint="start one with `dask scheduler` and name it as tcp://HOST:8786",
        ) from error
    with client, parallel_config(backend="dask"):
        try:
            client.wait_for_workers(1, timeout=timeout_s)
        except TimeoutError as error:
            raise InputError(
                f"the Dask scheduler at {scheduler} has no worker",
                hint=f"start one with `dask worker {scheduler}`",
            ) from error
        yield
