"""Which topics are mirrored, and which of their functions are not, and why."""

TOPICS = ("spectral",)

NOT_MIRRORED: dict[str, str] = {}
