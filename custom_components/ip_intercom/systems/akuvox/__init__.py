"""Akuvox door phones, access control and indoor monitors."""
