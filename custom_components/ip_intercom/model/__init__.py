"""The neutral model: frozen data and pure functions, the same for all systems."""
