"""The claims on an existing Dask cluster: the same results, whichever worker finds them and however many are lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from proofs_check.evidence.random import same_draws_everywhere
from proofs_check.parallel import claims
from proofs_check.run import PROFILES, Result, run_claim

# A claim that takes so many workers down with it is at fault itself.
DEATHS = 3
WAIT_SECONDS = 15
# With or without a protocol, as Dask prints and takes it.
_ADDRESS = re.compile(r"([a-z]+://)?[^/\s]+:\d+")

_GIVEN: dict[str, Mapping[str, Any]] = {}
# Precision and what hypothesis draws are settings of the process, so a worker's threads take turns.
_TURN = threading.Lock()


class UnusableClusterError(RuntimeError):
    """There is no cluster at the address, or it cannot run these claims."""


def run_all(
    ids: Sequence[str], implementation: str, profile: str, seed: int, *,
    address: str, layers: Mapping[str, Any] | None = None,
) -> Generator[Result, None, None]:
    """One result a claim, as they finish; each is handed on at once, so that no loss of a worker takes it back.

    A claim whose worker is lost runs again on another one. Closing the iterator early cancels what is left.
    """
    client = _connect(address)
    name = f"lipref-layers-{id(client)}-{client.id}"
    try:
        _check(client)
        plugin = _layers_plugin(name, dict(layers or {}))
        client.register_plugin(plugin, name=name)
        yield from _gather(client, ids, (implementation, profile, seed, name))
    finally:
        _leave(client, name)


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise UnusableClusterError("a Dask cluster needs distributed: pip install 'lipref[dask]'") from None
    if _ADDRESS.fullmatch(address) is None:
        # The client would try such a one for a minute.
        raise UnusableClusterError(f"the scheduler's address must be like tcp://HOST:PORT, got {address!r}")
    try:
        return Client(address, timeout=WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as failed:
        raise UnusableClusterError(f"no Dask scheduler answers at {address}: {failed}") from failed


def _check(client: Any) -> None:
    """The workers have to run this version: another one has other claims."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise UnusableClusterError("the Dask cluster has no workers")
    mine = _version()
    try:
        found = client.run(_version)
    except Exception as failed:
        raise UnusableClusterError(f"a worker cannot import lipref: {type(failed).__name__}: {failed}") from failed
    others = sorted({version for version in found.values() if version != mine})
    if others:
        raise UnusableClusterError(f"workers have lipref {', '.join(others)}, here it is {mine}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lipref")
    except PackageNotFoundError:
        return "unknown"


def _layers_plugin(name: str, layers: dict[str, Any]) -> Any:
    """What gives every worker, those that join later too, the layers of the real network, once."""
    from distributed import WorkerPlugin

    class Layers(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            from proofs_check import cluster

            cluster._GIVEN[name] = layers

        def teardown(self, worker: Any) -> None:
            from proofs_check import cluster

            cluster._GIVEN.pop(name, None)

    return Layers()


def _gather(client: Any, ids: Sequence[str], rest: tuple[str, str, int, str]) -> Generator[Result, None, None]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    futures = {client.submit(_work, id, *rest, pure=False, retries=DEATHS): id for id in ids}
    left = as_completed(list(futures), loop=client.loop)
    for future in left:
        id = futures[future]
        try:
            yield future.result()
        except KilledWorker as died:
            yield Result(id, claims()[id].verdict.value, outcome="errored",
                         detail=f"every worker that tried it was lost: {died}")
        future.release()


def _work(id: str, implementation: str, profile: str, seed: int, layers: str) -> Result:
    """On a worker."""
    from threadpoolctl import threadpool_limits

    with _TURN, threadpool_limits(1), same_draws_everywhere():
        return run_claim(claims()[id], implementation, PROFILES[profile], seed, _GIVEN[layers])


def _leave(client: Any, name: str) -> None:
    """The cluster is somebody's: leave nothing on it."""
    try:
        client.unregister_worker_plugin(name)
    except Exception:
        # The scheduler is gone, or the plugin never came.
        pass
    finally:
        client.close()
