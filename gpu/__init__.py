"""The names of refimpl for large inputs, written against an array namespace.

No function is mirrored yet; `proofs-check run --impl gpu` reports each one as not offered.
"""
