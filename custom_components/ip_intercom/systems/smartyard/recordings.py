"""Which recording a message is about: a server may return an id when one is asked for, and name another when it is ready.

The message does not repeat the id. With one recording in preparation it is clear which one is meant, with several it is not.
"""

from collections.abc import Callable, Mapping
import re
import time

from ...api.parse import fields, text

# The address of a recording that is ready, wherever in a text it stands.
_FILM = re.compile(r"/cctv/download/([0-9A-Za-z-]{1,64})")
# Seconds for which the published server keeps one (its message says three days).
_KEPT = 3 * 86400.0


def film_in(said: str) -> str | None:
    """Return the id at the end of the address of a recording in a text, None where there is none."""
    found = _FILM.search(said)
    return None if found is None else found[1]


class Recordings:
    """The recordings that were asked for, and what is known of them.

    Args:
        stored: What ``as_json`` returned in an earlier life.
        now: Our clock in seconds since 1970.
    """

    def __init__(self, stored: object = None, now: Callable[[], float] = time.time) -> None:
        self._now = now
        kept = fields(stored)
        # When each was asked for.
        self._asked = _times(kept.get("asked"))
        # What each is called in its message.
        self._films = {key: film for key, value in fields(kept.get("films")).items() if (film := text(value))}
        self._ready = _times(kept.get("ready"))
        # Those of which one is ready, though not which one, and what they are called.
        self._unclear = _times(kept.get("unclear"))
        self._loose = _times(kept.get("loose"))

    def as_json(self) -> dict[str, object]:
        """Return what is to be kept."""
        self._forget()
        return {
            "asked": self._asked,
            "films": self._films,
            "ready": self._ready,
            "unclear": self._unclear,
            "loose": self._loose,
        }

    @property
    def shown(self) -> Mapping[str, bool]:
        """Return for each recording of the last days whether it is ready."""
        self._forget()
        return {**dict.fromkeys(self._asked, False), **dict.fromkeys(self._films, True)} | dict.fromkeys(
            self._unclear, True
        )

    def asked(self, recording: str) -> None:
        """Note that a recording was asked for; the same one again is the same recording."""
        if recording not in self._films and recording not in self._unclear:
            self._asked[recording] = self._now()

    def ready(self, film: str) -> str | None:
        """Note what a message calls a recording that is ready; return which one it is, where that is clear."""
        self._forget()
        if film in self._loose or film in self._films.values() or not self._asked:
            return next((known for known, name in self._films.items() if name == film), None)
        if len(self._asked) == 1 and not self._loose:
            ((recording, _),) = self._asked.items()
            self._asked.clear()
            self._films[recording], self._ready[recording] = film, self._now()
            return recording
        self._loose[film] = self._now()
        if len(self._loose) >= len(self._asked):
            self._unclear |= self._asked
            self._asked.clear()
            self._loose.clear()
        return None

    def film_of(self, recording: str) -> str | None:
        """Return what a recording is called in its message, None where that is not known."""
        return self._films.get(recording)

    def is_pending(self, recording: str) -> bool:
        """Return whether a recording is still in preparation."""
        return recording in self._asked

    def is_unclear(self, recording: str) -> bool:
        """Return whether a recording is ready, and its name is not known."""
        return recording in self._unclear

    def _forget(self) -> None:
        oldest = self._now() - _KEPT
        for times in (self._asked, self._ready, self._unclear, self._loose):
            for known in [known for known, at in times.items() if at < oldest]:
                del times[known]
        self._films = {known: film for known, film in self._films.items() if known in self._ready}


def _times(stored: object) -> dict[str, float]:
    return {key: float(at) for key, at in fields(stored).items() if isinstance(at, int | float)}
