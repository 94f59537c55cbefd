"""Still images from short videos, which some camera servers return as previews."""

from io import BytesIO

# The type of the first box of an MP4 (ISO/IEC 14496-12), after its length.
_MARK = slice(4, 8), b"ftyp"


def is_film(content: bytes) -> bool:
    """Return whether this is an MP4."""
    place, mark = _MARK
    return content[place] == mark


def first_frame(film: bytes) -> bytes | None:
    """Return the first picture of a film as a JPEG, None where there is none that can be read; this takes a while."""
    import av  # noqa: PLC0415  # a large library, imported in the executor when the first film comes

    try:
        with av.open(BytesIO(film), "r") as container:
            for frame in container.decode(video=0):
                jpeg = BytesIO()
                frame.to_image().save(jpeg, "JPEG")  # type: ignore[no-untyped-call]  # its stub forgets the type
                return jpeg.getvalue()
    except av.FFmpegError, IndexError:  # nonsense, or a film without pictures
        pass
    return None
