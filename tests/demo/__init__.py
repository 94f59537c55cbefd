"""The demo: a 2N simulator and a real Home Assistant side by side, its check, the benchmark and the screenshots."""
