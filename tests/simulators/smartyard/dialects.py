"""The two servers of the same API."""

from enum import StrEnum


class Dialect(StrEnum):
    """Whose server it is."""

    # The published one.
    RBT = "rbt"
    # An independent one: other bodies of errors, other pushes.
    AXIOS = "axios"

    @property
    def base(self) -> str:
        """Return the path below which the API is."""
        return "/mobile" if self is Dialect.RBT else "/api"
