"""An extension of a simulated MX in Home Assistant."""
