"""What the runtime and the platforms share."""
