"""Who has an account at the PBX."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class User:
    """One extension; `provisioned` and `mx_takes_password` are what can be wrong behind a right login."""

    login: str
    password: str
    ext: str
    jid: str
    first_name: str
    last_name: str
    soft_phone_password: str
    # Phones that can be assigned, and numbers that calls can be started from.
    devices: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    provisioned: bool = True
    mx_takes_password: bool = True

    @property
    def name(self) -> str:
        """Return the name as displays show it."""
        return f"{self.first_name} {self.last_name}"


def by_login(users: Iterable[User]) -> Mapping[str, User]:
    """Find users by their login."""
    return {user.login: user for user in users}
