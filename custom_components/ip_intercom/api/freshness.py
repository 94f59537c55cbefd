"""How old an event may be to be news, the same for all systems."""

# Seconds after which a ring is no news any more.
LIVE_WINDOW = 5.0
