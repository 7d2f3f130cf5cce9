"""The API pages build without a warning and hold the topics, with their formulas typeset."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofs_check.implementation import TOPICS

ROOT = Path(__file__).parents[2]


def test_the_api_builds_and_needs_no_network(tmp_path):
    pytest.importorskip("sphinx", reason="no API pages: pip install sphinx")
    pytest.importorskip("latex2mathml", reason="no API pages: pip install 'lipref[report]'")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", str(tmp_path / "trees"),
               str(ROOT / "docs" / "api"), str(tmp_path / "api")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "default"})
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "api" / "index.html").read_text(encoding="utf-8")
    for topic in TOPICS:
        assert f"refimpl.{topic}" in text
    assert text.count("<math") > 100 and "mathjax" not in text.lower()
    assert 'src="http' not in text and 'rel="stylesheet" type="text/css" href="http' not in text
