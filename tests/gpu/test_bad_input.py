"""Every bad call of refimpl's tables is refused by gpu in the same words."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import gpu
import refimpl
from gpu import network

FOLDER = Path(refimpl.__file__).parents[1] / "tests" / "refimpl"
MIRRORED = {
    name: getattr(__import__(f"gpu.{topic}", fromlist=[name]), name)
    for topic in gpu.TOPICS for name in __import__(f"gpu.{topic}", fromlist=["__all__"]).__all__
}


def _table(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _calls():
    for path in sorted(FOLDER.glob("test_bad_input*.py")):
        table = _table(path)
        theirs = table.NAMES
        public = {name for name, value in theirs.items() if getattr(value, "__module__", "").startswith("refimpl.")}
        ours = {name: MIRRORED[name] if name in public else value for name, value in theirs.items()
                if name not in public or name in MIRRORED}
        if "relu" in theirs:
            ours["relu"] = network.FeedForward([np.eye(2)])
        missing = public - set(MIRRORED) - {"relu"}
        for line in [*table.TABLE, *getattr(table, "BEYOND", [])]:
            call = line if isinstance(line, str) else line[0]
            if not missing & set(re.findall(r"\w+", call)):
                yield pytest.param(call, ours, theirs, id=f"{path.stem.removeprefix('test_')}: {call}")


def _refusal(call, names):
    with pytest.raises((ValueError, OverflowError, ArithmeticError)) as raised:
        eval(call, dict(names))
    # What the message shows of objects: where they lie in memory, and where their class does.
    return type(raised.value), re.sub(r"0x\w+", "", str(raised.value).replace("'gpu.", "'refimpl."))


@pytest.mark.parametrize(("call", "ours", "theirs"), list(_calls()))
def test_a_bad_call_is_refused_in_the_same_words(call, ours, theirs):
    assert _refusal(call, ours) == _refusal(call, theirs)


def test_most_lines_of_the_tables_are_tried():
    lines = sum(len(_table(path).TABLE) for path in FOLDER.glob("test_bad_input*.py"))
    assert len(list(_calls())) > lines / 2
