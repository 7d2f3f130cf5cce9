"""The experiments of the sources, all of them: seeds, files, names, what is refused."""

import csv
import os
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from tiny_experiments import TINY, data, tiny, without_measurements

from proofs_check import reproduce
from proofs_check.cli import main

every = pytest.mark.parametrize("name", TINY)


def test_all_are_tried():
    assert list(TINY) == list(reproduce.EXPERIMENTS)


@every
def test_the_seed_decides_all_but_measurements(name):
    again = tiny(name).rows(tiny(name).sizes, 0)
    assert without_measurements(again) == without_measurements(data(name))


@pytest.mark.parametrize("name", ["fig-3.3", "fig-3.7", "fig-3.11", "tab-A.0.2"])
def test_another_seed_is_another_draw(name):
    assert without_measurements(data(name, 1)) != without_measurements(data(name))


@every
def test_both_files_can_be_read(name, tmp_path):
    table, picture = reproduce.reproduce(tiny(name), tmp_path)
    assert sorted(tmp_path.iterdir()) == [table, picture] == [tmp_path / f"{name}.csv", tmp_path / f"{name}.png"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = table.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert comments[0].startswith(f"# {name}: ") and comments[-1] == "# seed: 0"
    assert any("the source's sizes" in line or "sizes of its own" in line for line in comments)
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    expected = [{key: str(value) for key, value in row.items()} for row in without_measurements(data(name))]
    assert without_measurements(rows) == expected


@every
def test_reduced_sizes_say_so(name):
    experiment = reproduce.EXPERIMENTS[name]
    if experiment.source_sizes is None:
        assert experiment.reduced(experiment.sizes) == "sizes of its own, not the source's"
        return
    assert experiment.reduced(experiment.source_sizes) == "the source's sizes, where its text names them"
    differ = experiment.sizes != experiment.source_sizes
    assert experiment.reduced(experiment.sizes).startswith("reduced") is differ


@pytest.mark.parametrize(("names", "count"), [
    (["all"], len(TINY)), (["fig-3.?"], 8), (["tab-*", "fig-3.2", "tab-3.2"], 8), (["fig-3.11"], 1),
])
def test_choose(names, count):
    assert len(reproduce.choose(names)) == count


def call(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def refused(result):
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr and not result.stdout
    return result.stderr


def test_command(tmp_path):
    out = tmp_path / "new" / "folder"
    result = call("fig-3.2", "fig-3.6", "--out", out, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["fig-3.2", "fig-3.6"]
    assert sorted(file.name for file in out.iterdir()) == ["fig-3.2.csv", "fig-3.2.png", "fig-3.6.csv", "fig-3.6.png"]
    assert "# seed: 3\n" in (out / "fig-3.6.csv").read_text()


def test_full_takes_the_sizes_of_the_source(tmp_path, monkeypatch):
    experiment = tiny("fig-3.3")
    full = replace(experiment, source_sizes=replace(experiment.sizes, matrices=2))
    monkeypatch.setitem(reproduce.EXPERIMENTS, "fig-3.3", full)
    assert call("fig-3.3", "--full", "--out", tmp_path).exit_code == 0
    assert "matrices = 2," in (tmp_path / "fig-3.3.csv").read_text()


def test_unknown_names(tmp_path):
    message = refused(call("fig-3.22", "--out", tmp_path))
    assert "'fig-3.22'; the nearest is fig-3.2;" in message and "tab-A.0.2" in message
    assert "known are explosion-depth, " in refused(call("zzz*"))
    assert "name an experiment; known are" in refused(call())


def test_folders_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    assert "is a file, not a folder" in refused(call("fig-3.2", "--out", file))
    assert "cannot write to the folder" in refused(call("fig-3.2", "--out", file / "below"))
    assert file.read_text() == "kept"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):
        assert "cannot write to the folder" in refused(call("fig-3.2", "--out", closed))


def test_nothing_is_left_half_written(tmp_path):
    (tmp_path / "fig-3.2.csv").mkdir()
    assert "cannot write fig-3.2" in refused(call("fig-3.2", "--out", tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["fig-3.2.csv"]


def test_negative_seed(tmp_path):
    assert "--seed" in refused(call("fig-3.2", "--seed", -1, "--out", tmp_path))


def test_without_the_plotting_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "pip install 'lipref[plots]'" in refused(call("fig-3.2", "--out", tmp_path / "new"))
    assert not (tmp_path / "new").exists()
