"""Claims of the source `explosion`: its abstract announces theorems, the constructions are ours."""
