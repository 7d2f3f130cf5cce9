"""Sphinx: the API of refimpl from its docstrings, formulas as MathML, so that no page needs a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

project = "lipref"
author = "the lipref authors"
extensions = ["sphinx.ext.autodoc", "numpydoc"]
html_theme = "alabaster"
html_math_renderer = "offline"
html_theme_options = {"description": "The mathematics of stable neural networks, plainly"}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


def setup(app: Any) -> None:
    """Formulas through the converter that the report uses; one that does not convert is an error."""
    from docutils import nodes

    from proofs_check.report.site.formulas import mathml

    def inline(writer: Any, node: Any) -> None:
        writer.body.append(mathml(node.astext(), block=False))
        raise nodes.SkipNode

    def block(writer: Any, node: Any) -> None:
        # Sphinx puts the lines of a displayed formula apart by an empty line.
        for formula in filter(str.strip, node.astext().split("\n\n")):
            writer.body.append(f'<div class="math">{mathml(formula)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("offline", (inline, None), (block, None))
