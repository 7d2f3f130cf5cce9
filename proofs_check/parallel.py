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
from proofs_check.implementation import Implementation
from proofs_check.run import PROFILES, Result, functions_used, run_claim

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
    tasks = {id: [implementation] for id in ids}
    with contextlib.closing(run_on(tasks, profile, seed, layers=layers, jobs=jobs)) as found:
        for _, result in found:
            yield result


def run_on(
    tasks: Mapping[str, Sequence[str]], profile: str, seed: int, *,
    layers: Mapping[str, Any] | None = None, jobs: int = 1,
) -> Generator[tuple[str, Result], None, None]:
    """Each claim on its implementations: their names with the results, as they finish.

    Of several layered implementations those that offer nothing of a claim cost no draws of their own.
    """
    if jobs == 1 or len(tasks) < 2:
        return _in_process(tasks, profile, seed, layers or {})
    return _in_workers(tasks, profile, seed, dict(layers or {}), min(jobs, len(tasks)))


def _in_process(
    tasks: Mapping[str, Sequence[str]], profile: str, seed: int, layers: Mapping[str, Any]
) -> Generator[tuple[str, Result], None, None]:
    from threadpoolctl import threadpool_limits

    with interruptible():
        for id, implementations in tasks.items():
            with threadpool_limits(1), same_draws_everywhere():
                results = _each(id, implementations, profile, seed, layers)
            yield from zip(implementations, results, strict=True)


def _each(
    id: str, implementations: Sequence[str], profile: str, seed: int, layers: Mapping[str, Any]
) -> list[Result]:
    claim = claims()[id]
    used = functions_used(claim, seed) if len(implementations) > 1 else set()
    results = []
    for name in implementations:
        code = Implementation(name)
        if len(implementations) > 1 and code.layered and not any(code.offers(*each.split(".")) for each in used):
            detail = f"{name}: the first package offers none of {', '.join(sorted(used))}"
            results.append(Result(id, claim.verdict.value, outcome="not offered", detail=detail, used=sorted(used)))
        else:
            results.append(run_claim(claim, name, PROFILES[profile], seed, layers))
    return results


def _in_workers(
    tasks: Mapping[str, Sequence[str]], profile: str, seed: int, layers: dict[str, Any], jobs: int
) -> Generator[tuple[str, Result], None, None]:
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(layers,)
        )
        finished = False
        try:
            with _interrupts_held_back():
                futures = {pool.submit(_work, id, names, profile, seed): id for id, names in tasks.items()}
            with interruptible():
                for future in as_completed(futures):
                    id = futures[future]
                    yield from zip(tasks[id], _results(future, id, len(tasks[id])), strict=True)
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


def _work(id: str, implementations: Sequence[str], profile: str, seed: int) -> list[Result]:
    with same_draws_everywhere():
        return _each(id, implementations, profile, seed, _LAYERS)


def _results(future: Future[list[Result]], id: str, count: int) -> list[Result]:
    try:
        return future.result()
    except BrokenProcessPool as died:
        detail = f"a worker process died: {died}"
        return [Result(id, claims()[id].verdict.value, outcome="errored", detail=detail) for _ in range(count)]


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
