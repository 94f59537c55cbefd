"""The recordings of a published SmartYard: requests, its replies, and its pushes, if available."""

from .recordings import CAPTURES, Recording, read

__all__ = ["FILES", "PUSHES", "QUERIES", "Recording", "read"]

FILES = sorted((CAPTURES / "smartyard").glob("*.http"))
# What went to the push service, and what went to the operator's own.
PUSHES = sorted((CAPTURES / "smartyard").glob("push/[0-9]*.json"))
QUERIES = sorted((CAPTURES / "smartyard").glob("push/query_*.json"))
