"""Claims about stable neural networks, and the evidence for and against them."""
