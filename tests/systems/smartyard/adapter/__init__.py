"""The adapter of SmartYard accounts, at a simulated server."""
