"""Accounts of a SmartYard: the flats of a person, by the cloud of their operator."""
