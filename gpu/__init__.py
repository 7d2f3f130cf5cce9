"""The names of refimpl for large inputs, written against an array namespace.

CuPy arrays stay on the device from argument to result; lists and NumPy arrays run the same code on the CPU, and so does
any other array library that follows the array API standard. Numbers are converted to float64 first, as in refimpl; less
is used inside of ``with gpu.precision("float32"):`` only. `to_device` asks for the device.

What differs from refimpl: functions that need much memory take `memory_limit`, those with a choice of algorithm
`method`. `NOT_MIRRORED` lists what stays in refimpl, and why.
"""

from gpu._mirror import NOT_MIRRORED, TOPICS
from gpu._namespace import precision, to_device

__all__ = ["NOT_MIRRORED", "TOPICS", "precision", "to_device"]
