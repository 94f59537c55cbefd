"""Custom components under test."""
