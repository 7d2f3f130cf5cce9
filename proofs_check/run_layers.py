"""The layers of a real network that a run takes as instances: the user's, or those of one trained on digits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


def trained() -> Mapping[str, Any]:
    """The layers of the network on digits; it is trained at the first call on a machine."""
    from proofs_check import real_layers

    if not real_layers.cache_file().exists():
        click.echo("training a network on digits, once ...", err=True)
    return real_layers.digits_network()


def given(weights: Path) -> Mapping[str, Any]:
    """Those of a file, with a note of what is no layer."""
    from proofs_check import real_layers

    try:
        layers = real_layers.load_weights(weights)
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    if layers.skipped:
        skipped = ", ".join(layers.skipped)
        click.echo(f"note: {weights}: neither matrices nor kernels of real floats, skipped: {skipped}", err=True)
    return layers
