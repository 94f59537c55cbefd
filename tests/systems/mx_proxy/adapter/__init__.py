"""The adapter of MX Proxy without Home Assistant."""
