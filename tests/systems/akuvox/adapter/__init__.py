"""The parts of an Akuvox beyond doors and calls, against the simulator."""
