"""A run on a Dask cluster: the results of a run here, also when a worker is killed on the way."""

from __future__ import annotations

import os
import signal

import pytest
from click.testing import CliRunner

from proofs_check import cluster, parallel
from proofs_check.claims import load
from proofs_check.cli import main

pytestmark = pytest.mark.filterwarnings("ignore")
IDS = [id for id in load() if id.startswith(("thesis.thm-3.2.4", "than.lemma-"))]
WHAT = (IDS, "refimpl", "quick", 7)


@pytest.fixture
def workers():
    """Two worker processes, that come back when they are killed."""
    distributed = pytest.importorskip("distributed", reason="no Dask: pip install 'lipref[dask]'")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50,
    ) as made:
        yield made


def by_id(results):
    found = {}
    for result in results:
        values = result.as_dict()
        del values["seconds"]
        assert result.id not in found, "a claim came twice"
        found[result.id] = values
    return found


def test_the_same_as_here_although_a_worker_is_killed(workers):
    here = by_id(parallel.run_all(*WHAT, layers={}, jobs=1))
    found, killed = [], []
    for result in cluster.run_all(*WHAT, layers={}, address=workers.scheduler_address):
        found.append(result)
        if not killed:
            killed.append(next(iter(workers.workers.values())).process.pid)
            os.kill(killed[0], signal.SIGKILL)
    assert killed
    assert by_id(found) == here
    assert all(result.good for result in found)


def test_the_command_gives_the_same_record(workers, tmp_path):
    files = tmp_path / "here", tmp_path / "there"
    for file, where in zip(files, (["--jobs", "1"], ["--dask", workers.scheduler_address]), strict=True):
        result = CliRunner().invoke(main, ["run", "than.lemma-1*", "--profile", "quick", "--json", str(file), *where])
        assert result.exit_code == 0, result.output
    import json

    rows = [sorted(({**json.loads(line), "seconds": 0} for line in file.read_text().splitlines()[1:]),
                   key=lambda row: row["id"]) for file in files]
    assert rows[0] == rows[1] and rows[0]


def test_nothing_of_a_run_stays_on_the_cluster(workers):
    list(cluster.run_all(IDS[:2], "refimpl", "quick", 0, layers={}, address=workers.scheduler_address))
    with workers.get_client() as client:
        assert not any(client.run(lambda: __import__("proofs_check.cluster").cluster._GIVEN).values())


def test_no_cluster_there(monkeypatch):
    pytest.importorskip("distributed", reason="no Dask: pip install 'lipref[dask]'")
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 1)
    with pytest.raises(cluster.UnusableClusterError, match="no Dask scheduler answers at"):
        list(cluster.run_all(IDS[:1], "refimpl", "quick", 0, address="tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "127.0.0.1", "tcp://:port"])
def test_no_address(address):
    pytest.importorskip("distributed", reason="no Dask: pip install 'lipref[dask]'")
    with pytest.raises(cluster.UnusableClusterError, match="the scheduler's address must be like tcp://HOST:PORT, got"):
        list(cluster.run_all(IDS[:1], "refimpl", "quick", 0, address=address))


def test_jobs_and_a_cluster_are_two_things():
    result = CliRunner().invoke(main, ["run", "--jobs", "2", "--dask", "tcp://127.0.0.1:9"])
    assert result.exit_code == 2 and "--jobs is about processes here" in result.output
