"""Tests of Akuvox devices."""
