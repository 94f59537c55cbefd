"""Akuvox door phones and access control."""
