"""Numerical experiments of the sources, run again: a table and a picture of each."""

from proofs_check.reproduce._catalogue import EXPERIMENTS, choose
from proofs_check.reproduce._series import Experiment, RefusedError, check_plots, folder, reproduce

__all__ = ["EXPERIMENTS", "Experiment", "RefusedError", "check_plots", "choose", "folder", "reproduce"]
