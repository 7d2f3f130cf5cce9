"""The audit of a model: what it can do to a perturbation, from a file to a bound that is one."""
