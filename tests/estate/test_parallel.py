import gc
import os
import socket
from contextlib import closing

import pytest
from distributed import Client, LocalCluster

from estate.errors import InputError
from estate.parallel import Workers, mapped
from estate.pipeline import Designing, make_plan
from estate.workspace import Settings


@pytest.fixture(scope="module")
def cluster():
    """Return the address of a Dask scheduler with two worker processes."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as running:
        yield running.scheduler_address


@pytest.fixture
def idle_scheduler():
    """Return the address of a Dask scheduler without any worker."""
    with LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as running:
        yield running.scheduler_address


@pytest.fixture
def closed_port():
    """Return an address of this machine at which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    return f"tcp://127.0.0.1:{port}"


def test_one_process_two_processes_and_a_dask_cluster_make_the_same_plan(hamlet, cluster):
    each = (Workers(), Workers(), Workers(jobs=2), Workers(scheduler=cluster))

    # Nothing is kept between them: each designs every wing itself.
    plans = [make_plan(hamlet, Settings(), workers, Designing()) for workers in each]

    assert plans == plans[:1] * len(each)
    assert len({plan.plan_id for plan in plans}) == 1


def test_answers_come_in_the_order_of_the_arguments(cluster):
    arguments = [(base, 2) for base in range(9, 0, -1)]
    expected = [81, 64, 49, 36, 25, 16, 9, 4, 1]

    for workers in (Workers(), Workers(jobs=2), Workers(scheduler=cluster)):
        assert mapped(pow, arguments, workers) == expected


def test_one_job_is_done_in_this_very_process():
    assert mapped(os.getpid, [(), ()], Workers()) == [os.getpid()] * 2


def test_several_jobs_are_done_by_other_processes():
    assert os.getpid() not in mapped(os.getpid, [()] * 4, Workers(jobs=2))


def test_with_a_scheduler_the_work_is_done_by_its_workers(cluster):
    workers = set(mapped(os.getpid, [()] * 16, Workers(scheduler=cluster)))

    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2


def test_each_answer_is_told_once_with_its_place():
    told = []

    mapped(pow, [(base, 2) for base in range(9)], Workers(jobs=2), lambda *one: told.append(one))

    assert sorted(told) == [(base, base**2) for base in range(9)]


def test_a_worker_that_grew_is_replaced_without_a_word(recwarn):
    def grow(size_mb):
        import sys
        import time

        time.sleep(1.1)  # Workers are measured once a second.
        held = sys.__dict__.setdefault("held", [])
        held.append(bytearray(size_mb * 10**6))
        return os.getpid()

    workers = mapped(grow, [(400,)] * 5, Workers(jobs=2))

    assert len(set(workers)) > 2
    assert not any("worker stopped" in str(each.message) for each in recwarn)


def test_nothing_to_do_is_done_at_once(cluster):
    for workers in (Workers(), Workers(jobs=2), Workers(scheduler=cluster)):
        assert mapped(pow, [], workers) == []


def test_an_error_in_the_work_is_the_callers_to_see(cluster):
    for workers in (Workers(), Workers(jobs=2), Workers(scheduler=cluster)):
        with pytest.raises(ZeroDivisionError):
            mapped(divmod, [(1, 0)], workers)


def test_a_scheduler_that_does_not_answer_is_named_with_a_hint(closed_port):
    with pytest.raises(InputError, match=f"no Dask scheduler answers at {closed_port}") as caught:
        mapped(pow, [(2, 3)], Workers(scheduler=closed_port, timeout_s=0.2))
    assert "dask scheduler" in caught.value.hint


@pytest.mark.parametrize("scheduler", ["nonsense", "http://127.0.0.1:8786", "tcp://127.0.0.1:dask"])
def test_an_address_that_is_none_is_refused_with_a_hint(scheduler):
    with pytest.raises(InputError, match="no Dask scheduler answers") as caught:
        mapped(pow, [(2, 3)], Workers(scheduler=scheduler, timeout_s=0.2))
    assert "tcp://HOST:8786" in caught.value.hint


def test_an_address_that_is_none_leaves_no_half_made_client_to_lock_up_the_next():
    def clients():
        return sum(type(thing) is Client for thing in gc.get_objects())

    gc.collect()
    before = clients()
    with pytest.raises(InputError):
        mapped(pow, [(2, 3)], Workers(scheduler="nonsense"))

    assert clients() == before


def test_a_scheduler_without_workers_is_given_up_with_a_hint(idle_scheduler):
    with pytest.raises(InputError, match="has no worker") as caught:
        mapped(pow, [(2, 3)], Workers(scheduler=idle_scheduler, timeout_s=0.5))
    assert caught.value.hint == f"start one with `dask worker {idle_scheduler}`"
