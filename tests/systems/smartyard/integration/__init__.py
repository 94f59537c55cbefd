"""The account of a flat in Home Assistant, at a simulated SmartYard."""
