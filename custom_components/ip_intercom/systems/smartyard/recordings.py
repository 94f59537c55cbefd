"""Which recording a message is about: a server may return an id when one is asked for, and name another when it is ready.

The message need not repeat the id, and there are messages about recordings that other devices of the account have asked
for. What a message tells of time and camera decides; where it tells nothing, the last message is taken for the right one.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
import re
import time

from yarl import URL

from ..common.parse import fields, integer, text

# The address of a recording that is ready, wherever in a text it stands.
_FILM = re.compile(r"/cctv/download/([0-9A-Za-z-]{1,64})")
_SCHEME = re.compile(r"[a-z]+://", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)[ T]+|(\d\d)\.(\d\d)\.(\d{4}),? +)?\b(\d\d):(\d\d)\b")
# A shorter id may be in a text by chance.
_MIN_ID = 8
# Seconds for which the published server keeps one (its message says three days).
_KEPT = 3 * 86400.0
# How sure it is that a message is about a recording: it names another time, another camera, nothing, its camera, its time.
_OTHER, _OTHER_CAMERA, _UNTOLD, _SAME_CAMERA, _SAME = range(-1, 4)


@dataclass(frozen=True, slots=True)
class Span:
    """What was asked for: a camera by its name, from when to when in the server's zone."""

    camera: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def film_in(said: str, host: str | None = None) -> str | None:
    """Return the id at the end of the address of a recording in a text, None where there is none.

    Args:
        said: The text.
        host: The host that it has to be an address of; None for any.
    """
    for word in said.split():
        if (found := _FILM.search(word)) is None:
            continue
        told = _host_of(word, found.start())
        if host is None or told is None or told == host:
            return found[1]
    return None


def _host_of(word: str, end: int) -> str | None:
    """Return the host of the address in a word, whose path ends with what begins at ``end``; None for a mere path."""
    if (scheme := _SCHEME.search(word)) is not None and scheme.start() < end:
        try:
            return URL(word[scheme.start() :]).host or ""
        except ValueError:
            return ""
    path = word[:end]
    return path.removeprefix("//").partition("/")[0].partition(":")[0].lower() or (
        "" if path.startswith("//") else None
    )


class Recordings:
    """The recordings that were asked for, and what is known of them.

    Args:
        stored: What ``as_json`` returned in an earlier life.
        now: Our clock in seconds since 1970.
        host: Where they are; None for anywhere.
        cameras: Returns the names of all cameras.
    """

    def __init__(
        self,
        stored: object = None,
        now: Callable[[], float] = time.time,
        host: str | None = None,
        cameras: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.host = host
        self._cameras = cameras
        self._now = now
        kept = fields(stored)
        # When each was asked for that no message has told of.
        self._asked = _times(kept.get("asked"))
        # What each is called in its message, and how sure that is.
        self._films = {key: film for key, value in fields(kept.get("films")).items() if (film := text(value))}
        self._sure = {key: integer(value) or 0 for key, value in fields(kept.get("sure")).items()}
        self._ready = _times(kept.get("ready"))
        # Those of which one is ready, though not which one, and what they are called.
        self._unclear = _times(kept.get("unclear"))
        self._loose = _times(kept.get("loose"))
        self._spans = {key: _span(value) for key, value in fields(kept.get("spans")).items()}

    def as_json(self) -> dict[str, object]:
        """Return what is to be kept."""
        self._forget()
        return {
            "asked": self._asked,
            "films": self._films,
            "sure": self._sure,
            "ready": self._ready,
            "unclear": self._unclear,
            "loose": self._loose,
            "spans": {
                known: {
                    "camera": span.camera,
                    "start": span.start and span.start.isoformat(),
                    "end": span.end and span.end.isoformat(),
                }
                for known, span in self._spans.items()
            },
        }

    @property
    def shown(self) -> Mapping[str, bool]:
        """Return for each recording of the last days whether it is ready."""
        self._forget()
        return {**dict.fromkeys(self._asked, False), **dict.fromkeys(self._films, True)} | dict.fromkeys(
            self._unclear, True
        )

    def asked(self, recording: str, span: Span | None = None) -> None:
        """Note that a recording was asked for; the same one again is the same recording."""
        self._spans[recording] = span or Span()
        if recording not in self._films and recording not in self._unclear:
            self._asked[recording] = self._now()

    def ready(self, film: str, said: str = "") -> str | None:
        """Note what a message calls a recording that is ready; return which one it is, where that is clear.

        Args:
            film: The id in its address.
            said: All that the message says.
        """
        self._forget()
        if film in self._loose or film in self._films.values():
            return next((known for known, name in self._films.items() if name == film), None)
        found = {known: self._likeness(known, film, said) for known in (*self._asked, *self._films, *self._unclear)}
        best = max(found.values(), default=_OTHER)
        likely = [known for known, likeness in found.items() if likeness == best and best > _OTHER]
        if best < _SAME:
            # What none was told of comes first. A later message is better than one that told no more.
            likely = [known for known in likely if known in self._asked] or [
                known for known in likely if known in self._films and self._sure.get(known, 0) <= best
            ][-1:]
        if len(likely) == 1 and not (self._loose and best < _SAME):
            self._bind(likely[0], film, best)
            return likely[0]
        if likely:
            self._loose[film] = self._now()
        if self._asked and len(self._loose) >= len(self._asked):
            self._unclear |= self._asked
            self._asked.clear()
            self._loose.clear()
        return None

    def _bind(self, recording: str, film: str, likeness: int) -> None:
        self._asked.pop(recording, None)
        self._unclear.pop(recording, None)
        self._films[recording], self._sure[recording], self._ready[recording] = film, likeness, self._now()

    def _likeness(self, recording: str, film: str, said: str) -> int:
        """Return how sure it is that a message is about a recording."""
        if film == recording or (len(recording) >= _MIN_ID and recording in said):
            return _SAME
        span = self._spans.get(recording, Span())
        camera = self._camera_likeness(span, said)
        moments, clocks = _times_in(said)
        if span.start is not None and span.end is not None and moments and len(moments) + len(clocks) > 1:
            begin, end = (f"{when:%Y-%m-%d %H:%M}" for when in (span.start, span.end))
            ends = end in moments or (begin[:10] == end[:10] and end[11:] in clocks)
            if begin in moments and ends:
                return camera if camera == _OTHER_CAMERA else _SAME
            if begin not in moments and not ends:
                return _OTHER
        return camera

    def _camera_likeness(self, span: Span, said: str) -> int:
        named = [name for name in self._cameras() if name and name in said]
        # One may be a part of another's name.
        named = [name for name in named if not any(name != other and name in other for other in named)]
        if not span.camera or not named:
            return _UNTOLD
        return _SAME_CAMERA if span.camera in named else _OTHER_CAMERA

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
        self._sure = {known: sure for known, sure in self._sure.items() if known in self._ready}
        there = {*self._asked, *self._ready, *self._unclear}
        self._spans = {known: span for known, span in self._spans.items() if known in there}


def _times_in(said: str) -> tuple[set[str], set[str]]:
    """Return the moments in a text, to the minute, and the times without a day."""
    moments: set[str] = set()
    clocks: set[str] = set()
    for year, month, day, day_first, month_second, year_last, hour, minute in _TIME.findall(said):
        if year or year_last:
            moments.add(f"{year or year_last}-{month or month_second}-{day or day_first} {hour}:{minute}")
        else:
            clocks.add(f"{hour}:{minute}")
    return moments, clocks


def _times(stored: object) -> dict[str, float]:
    return {key: float(at) for key, at in fields(stored).items() if isinstance(at, int | float)}


def _span(stored: object) -> Span:
    kept = fields(stored)
    return Span(text(kept.get("camera")), _moment(kept.get("start")), _moment(kept.get("end")))


def _moment(stored: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text(stored) or "")
    except ValueError:
        return None
