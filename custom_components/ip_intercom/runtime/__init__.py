"""What runs for an entry while it is loaded."""
