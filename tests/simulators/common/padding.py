"""Files as long as one likes: a head, and filler after it."""

from collections.abc import Iterator

FILLER = b"."
CHUNK = 2**16


def padded(head: bytes, size: int) -> Iterator[bytes]:
    """Return a file of that size, piece by piece."""
    if len(head) > size:
        raise ValueError(f"the header alone has {len(head)} bytes")
    yield head
    for start in range(len(head), size, CHUNK):
        yield FILLER * min(CHUNK, size - start)
