"""Tests of SmartYard."""
