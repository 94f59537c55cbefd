"""Matches messages to recordings: a server may use one ID for a request, and another when the recording is ready.

The message may not repeat the first ID, and it may be about a recording that another device of the account requested.
Times and camera in the message decide; without them, the last message is assumed to match.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
import re
import time

from yarl import URL

from ..common.parse import fields, integer, text

# URL path of a recording that is ready, anywhere in a text.
_FILM = re.compile(r"/cctv/download/([0-9A-Za-z-]{1,64})")
_SCHEME = re.compile(r"[a-z]+://", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)[ T]+|(\d\d)\.(\d\d)\.(\d{4}),? +)?\b(\d\d):(\d\d)\b")
# A shorter ID may occur in a text by chance.
_MIN_ID = 8
# Seconds for which the published server keeps a recording (its message says three days).
_KEPT = 3 * 86400.0
# How well a message matches a recording: other time, other camera, nothing mentioned, same camera, same time.
_OTHER, _OTHER_CAMERA, _UNKNOWN, _SAME_CAMERA, _SAME = range(-1, 4)


@dataclass(frozen=True, slots=True)
class Span:
    """The requested recording: the name of the camera, and the range in server time."""

    camera: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def film_in(message: str, host: str | None = None) -> str | None:
    """Return the ID at the end of the URL of a recording in a text, None if there is none.

    Args:
        host: Host that the URL must have; None for any.
    """
    for word in message.split():
        if (found := _FILM.search(word)) is None:
            continue
        found_host = _host_of(word, found.start())
        if host is None or found_host is None or found_host == host:
            return found[1]
    return None


def _host_of(word: str, end: int) -> str | None:
    """Return the host of the URL in a word whose path has position ``end``; None for a path without a host."""
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
    """The requested recordings and their state.

    Args:
        stored: ``as_json`` of the previous run.
        host: Host of the recordings; None for any.
        cameras: Returns the names of all cameras.
    """

    def __init__(
        self,
        stored: object = None,
        host: str | None = None,
        cameras: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.host = host
        self._cameras = cameras
        kept = fields(stored)
        # Request times of recordings that no message has matched.
        self._pending = _times(kept.get("asked"))
        # ID in the message of each recording, and how well it matched.
        self._films = {key: film for key, value in fields(kept.get("films")).items() if (film := text(value))}
        self._match = {key: integer(value) or 0 for key, value in fields(kept.get("sure")).items()}
        self._ready = _times(kept.get("ready"))
        # Recordings of which one is ready, but not known which, and the unmatched IDs.
        self._unclear = _times(kept.get("unclear"))
        self._unmatched = _times(kept.get("loose"))
        self._spans = {key: _span(value) for key, value in fields(kept.get("spans")).items()}

    def as_json(self) -> dict[str, object]:
        """Return the state to store."""
        self._remove_expired()
        return {
            "asked": self._pending,
            "films": self._films,
            "sure": self._match,
            "ready": self._ready,
            "unclear": self._unclear,
            "loose": self._unmatched,
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
        """Return whether each recording of the last days is ready."""
        self._remove_expired()
        return {**dict.fromkeys(self._pending, False), **dict.fromkeys(self._films, True)} | dict.fromkeys(
            self._unclear, True
        )

    def requested(self, recording: str, span: Span | None = None) -> None:
        """Record a request; a repeated ID is the same recording."""
        self._spans[recording] = span or Span()
        if recording not in self._films and recording not in self._unclear:
            self._pending[recording] = time.time()

    def ready(self, film: str, message: str = "") -> str | None:
        """Record the message about a recording that is ready; return the matching recording if there is only one.

        Args:
            film: ID in the URL.
        """
        self._remove_expired()
        if film in self._unmatched or film in self._films.values():
            return next((known for known, name in self._films.items() if name == film), None)
        found = {
            known: self._likeness(known, film, message) for known in (*self._pending, *self._films, *self._unclear)
        }
        best = max(found.values(), default=_OTHER)
        likely = [known for known, likeness in found.items() if likeness == best and best > _OTHER]
        if best < _SAME:
            # Prefer recordings without a message. Otherwise, a later message replaces one that matched no better.
            likely = [known for known in likely if known in self._pending] or [
                known for known in likely if known in self._films and self._match.get(known, 0) <= best
            ][-1:]
        if len(likely) == 1 and not (self._unmatched and best < _SAME):
            self._bind(likely[0], film, best)
            return likely[0]
        if likely:
            self._unmatched[film] = time.time()
        if self._pending and len(self._unmatched) >= len(self._pending):
            self._unclear |= self._pending
            self._pending.clear()
            self._unmatched.clear()
        return None

    def _bind(self, recording: str, film: str, likeness: int) -> None:
        self._pending.pop(recording, None)
        self._unclear.pop(recording, None)
        self._films[recording], self._match[recording], self._ready[recording] = film, likeness, time.time()

    def _likeness(self, recording: str, film: str, message: str) -> int:
        """Return how well a message matches a recording."""
        if film == recording or (len(recording) >= _MIN_ID and recording in message):
            return _SAME
        span = self._spans.get(recording, Span())
        camera = self._camera_likeness(span, message)
        dates, clocks = _times_in(message)
        if span.start is not None and span.end is not None and dates and len(dates) + len(clocks) > 1:
            begin, end = (f"{when:%Y-%m-%d %H:%M}" for when in (span.start, span.end))
            ends = end in dates or (begin[:10] == end[:10] and end[11:] in clocks)
            if begin in dates and ends:
                return camera if camera == _OTHER_CAMERA else _SAME
            if begin not in dates and not ends:
                return _OTHER
        return camera

    def _camera_likeness(self, span: Span, message: str) -> int:
        named = [name for name in self._cameras() if name and name in message]
        # The name of a camera may be part of another name.
        named = [name for name in named if not any(name != other and name in other for other in named)]
        if not span.camera or not named:
            return _UNKNOWN
        return _SAME_CAMERA if span.camera in named else _OTHER_CAMERA

    def film_of(self, recording: str) -> str | None:
        """Return the ID of a recording in its message, None if unknown."""
        return self._films.get(recording)

    def is_pending(self, recording: str) -> bool:
        """Return whether a recording is still being prepared."""
        return recording in self._pending

    def is_unclear(self, recording: str) -> bool:
        """Return whether a recording is ready, but its ID is unknown."""
        return recording in self._unclear

    def _remove_expired(self) -> None:
        oldest = time.time() - _KEPT
        for times in (self._pending, self._ready, self._unclear, self._unmatched):
            for known in [known for known, at in times.items() if at < oldest]:
                del times[known]
        self._films = {known: film for known, film in self._films.items() if known in self._ready}
        self._match = {known: match for known, match in self._match.items() if known in self._ready}
        there = {*self._pending, *self._ready, *self._unclear}
        self._spans = {known: span for known, span in self._spans.items() if known in there}


def _times_in(message: str) -> tuple[set[str], set[str]]:
    """Return the dates with times in a text, to the minute, and the times without a date."""
    dates: set[str] = set()
    clocks: set[str] = set()
    for year, month, day, day_first, month_second, year_last, hour, minute in _TIME.findall(message):
        if year or year_last:
            dates.add(f"{year or year_last}-{month or month_second}-{day or day_first} {hour}:{minute}")
        else:
            clocks.add(f"{hour}:{minute}")
    return dates, clocks


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
