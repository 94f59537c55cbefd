"""How old an event may be without being late, the same for all systems."""

# Seconds after which a ring is no news any more.
LIVE_WINDOW = 5.0
