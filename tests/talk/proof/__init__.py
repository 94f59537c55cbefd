"""Proofs with real SIP programs: Debian's sipp and baresip. ``scripts/talk`` unpacks them and runs these.

They run in real time, unlike the tests.
"""
