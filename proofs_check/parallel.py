"""Many claims at once: worker processes, one BLAS thread each; the results do not depend on their number."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any

from proofs_check.claim import Claim
from proofs_check.claims import load
from proofs_check.evidence.random import same_draws_everywhere
from proofs_check.run import PROFILES, Result, run_claim

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
REPEAT_SECONDS = 0.05

_LAYERS: dict[str, Any] = {}


@functools.cache
def claims() -> dict[str, Claim]:
    """The registry, loaded once a process."""
    return load()


def processors() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(
    ids: Sequence[str], implementation: str, profile: str, seed: int, *,
    layers: Mapping[str, Any] | None = None, jobs: int = 1,
) -> Generator[Result, None, None]:
    """One result a claim, as they finish. Closing the iterator early ends the workers."""
    if jobs == 1 or len(ids) < 2:
        return _in_process(ids, implementation, profile, seed, layers or {})
    return _in_workers(ids, implementation, profile, seed, dict(layers or {}), min(jobs, len(ids)))


def _in_process(
    ids: Sequence[str], implementation: str, profile: str, seed: int, layers: Mapping[str, Any]
) -> Generator[Result, None, None]:
    from threadpoolctl import threadpool_limits

    with interruptible():
        for id in ids:
            with threadpool_limits(1), same_draws_everywhere():
                result = run_claim(claims()[id], implementation, PROFILES[profile], seed, layers)
            yield result


def _in_workers(
    ids: Sequence[str], implementation: str, profile: str, seed: int, layers: dict[str, Any], jobs: int
) -> Generator[Result, None, None]:
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(layers,)
        )
        finished = False
        try:
            with _interrupts_held_back():
                futures = {pool.submit(_work, id, implementation, profile, seed): id for id in ids}
            with interruptible():
                for future in as_completed(futures):
                    yield _result(future, futures[future])
            finished = True
        finally:
            pool.shutdown(wait=finished, cancel_futures=True)
            if not finished:
                for worker in set(multiprocessing.active_children()) - others:
                    worker.kill()


def _begin(layers: dict[str, Any]) -> None:
    """In a worker, once: the parent alone answers to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _LAYERS.update(layers)


def _work(id: str, implementation: str, profile: str, seed: int) -> Result:
    with same_draws_everywhere():
        return run_claim(claims()[id], implementation, PROFILES[profile], seed, _LAYERS)


def _result(future: Future[Result], id: str) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as died:
        detail = f"a worker process died: {died}"
        return Result(id, claims()[id].verdict.value, outcome="errored", detail=detail)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Make Ctrl-C end what runs in here for certain.

    Python swallows an exception that is raised in a callback of the garbage collector, and
    hypothesis has one that runs often. So none is raised there, and the interrupt repeats until it is out.
    """
    repeats = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not repeats or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS)
        while frame is not None:
            if frame.f_code.co_name == "gc_callback":
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers inherit this environment, so it holds before they import numpy."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C; here it is delivered afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
