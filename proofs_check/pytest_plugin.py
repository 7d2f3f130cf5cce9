"""pytest plugin: with ``--lipref-impl my.adapter`` every claim is a test of that implementation.

Without the option nothing else of lipref is imported.
"""

from __future__ import annotations

from typing import Any

PROFILES = ("quick", "default", "thorough")


def pytest_addoption(parser: Any) -> None:
    """Four options, all of no effect without the first."""
    group = parser.getgroup("lipref", "claims of lipref as tests of an implementation")
    group.addoption(
        "--lipref-impl", metavar="NAME", default=None,
        help="Test this implementation, an importable name; 'NAME+refimpl' takes from refimpl what it does not offer.",
    )
    group.addoption(
        "--lipref-claims", metavar="GLOB", action="append", default=[],
        help="Only the claims (and vectors) whose ids match; may be given several times.",
    )
    group.addoption("--lipref-profile", choices=PROFILES, default="quick", help="How long to search (default: quick).")
    group.addoption("--lipref-seed", type=int, default=0, help="The same seed, the same instances (default: 0).")


def pytest_configure(config: Any) -> None:
    """Register what collects, only where it was asked for."""
    if config.getoption("lipref_impl") is not None:
        from proofs_check.pytest_items import Collecting

        config.pluginmanager.register(Collecting(config), "lipref-collecting")
