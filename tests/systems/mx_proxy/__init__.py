"""Tests of MX Proxy."""
