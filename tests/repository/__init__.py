"""Tests of the repository itself: rules, layers, texts, and generated pages."""
