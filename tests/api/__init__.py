"""Tests of the protocol clients, over HTTP to the simulators."""
