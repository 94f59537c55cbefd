"""Tests of the HTTP client of 2N."""
