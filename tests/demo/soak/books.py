"""The comparison of what the devices logged and did with what Home Assistant reported: pure functions.

See the package for what each count means.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

type Key = Hashable

# A repeated event came at most this many seconds before a kill: the promised second, and what a write takes on a busy machine.
BEHIND = 1.0 + 0.5
# A bell that rings this long after the press rings for an old one: events of 5 s are new, and devices count whole seconds.
OLD = 8.0
# A fresh press may take this long on a busy machine.
FRESH = 20.0
# Events of the last seconds before a kill may be missing in the recorder, which commits once a second.
UNCOMMITTED = 10.0
# Growth of memory in a round that counts as a leak, in bytes.
MEMORY = 5 * 2**20


@dataclass(frozen=True, slots=True)
class Reported:
    """An event on the bus, and when it was fired (Unix time)."""

    at: float
    key: Key
    id: str | None
    late: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in the book of a device, and when it was made (Unix time)."""

    key: Key
    at: float


@dataclass(frozen=True, slots=True)
class Press:
    """A visitor at a bell; `fresh` where Home Assistant was surely listening and the device healthy.

    The visitor pressed after `at` and was gone by `done` (Unix time); the record of a call may have the time of its end.
    """

    at: float
    fresh: bool
    done: float


@dataclass(slots=True)
class Tally:
    """What was found of one device; each text says what, where, and when."""

    events: int = 0
    doubled: int = 0
    before_kills: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def compare_events(
    name: str,
    book: Sequence[Entry],
    reported: Sequence[Reported],
    kills: Sequence[float],
    *,
    since: int | None = None,
    forgotten: Iterable[Key] = (),
) -> Tally:
    """Compare the book of a device with the bus.

    Args:
        name: The device.
        book: All of its records, oldest first.
        reported: All of its events on the bus, in their order.
        kills: When Home Assistant was killed by SIGKILL, oldest first.
        since: The record from which on all count; by default the first one that was reported, as the log of a new entry
            begins at its first read.
        forgotten: Records that the device lost by itself before Home Assistant could read them.
    """
    tally = Tally()
    index = {entry.key: number for number, entry in enumerate(book)}
    first: dict[Key, Reported] = {}
    for event in reported:
        if event.key not in index:
            tally.wrong.append(f"{name}: {event.key} was reported at {event.at:.2f} and is in no book")
        elif event.key not in first:
            first[event.key] = event
        else:
            tally.doubled += 1
            tally.wrong += _double(name, first[event.key], event, kills)
    begin = min((index[key] for key in first), default=len(book))
    begin = begin if since is None else min(begin, since)
    excused = set(forgotten)
    counted = [entry for entry in book[begin:] if entry.key not in excused]
    tally.events = len(counted)
    tally.lost = [
        f"{name}: {entry.key} of {entry.at:.2f} was never reported" for entry in counted if entry.key not in first
    ]
    if not first:
        tally.wrong.append(f"{name}: nothing was reported")
    ids = Counter(event.id for event in first.values() if event.id is not None)
    tally.wrong += [f"{name}: {times} events have the id {id_}" for id_, times in ids.items() if times > 1]
    tally.before_kills = sum(kill - BEHIND <= event.at <= kill for kill in kills for event in first.values())
    return tally


def _double(name: str, first: Reported, again: Reported, kills: Sequence[float]) -> list[str]:
    """Return what is wrong with an event that came again."""
    what = f"{name}: {again.key}, reported at {first.at:.2f}, came again at {again.at:.2f}"
    between = [kill for kill in kills if first.at <= kill <= again.at]
    if not between:
        return [f"{what} without a kill"]
    faults = []
    if between[0] - first.at > BEHIND:
        faults.append(f"{what}, {between[0] - first.at:.2f} s old at the kill")
    if not again.late:
        faults.append(f"{what} and is not late")
    if again.id != first.id:
        faults.append(f"{what} with another id")
    return faults


def out_of_order(name: str, book: Sequence[Entry], reported: Sequence[Reported]) -> list[str]:
    """Return the events that first came before that of an older record."""
    index = {entry.key: number for number, entry in enumerate(book)}
    newest, wrong, known = -1, [], set[Key]()
    for event in reported:
        if event.key in known or event.key not in index:
            continue
        known.add(event.key)
        if index[event.key] < newest:
            wrong.append(f"{name}: {event.key} was reported at {event.at:.2f}, after a newer one")
        newest = max(newest, index[event.key])
    return wrong


def compare_rings(name: str, presses: Sequence[Press], rings: Sequence[float]) -> tuple[list[str], list[str]]:
    """Return the rings without a press that is new enough, and the fresh presses without a ring."""
    left = sorted(rings)

    def take(press: Press, most: float) -> bool:
        found = next((ring for ring in left if press.at - 0.5 <= ring <= press.done + most), None)
        if found is not None:
            left.remove(found)
        return found is not None

    missed = [press for press in presses if press.fresh and not take(press, FRESH)]
    for press in presses:
        if not press.fresh:
            take(press, OLD)
    return (
        [f"{name}: a bell rang at {ring:.2f} for no new press" for ring in left],
        [f"{name}: the press at {press.at:.2f} did not ring" for press in missed],
    )


def compare_recorder(
    reported: Sequence[tuple[float, str]], recorded: Sequence[str], kills: Sequence[float]
) -> tuple[list[str], list[str]]:
    """Return what the recorder has and the bus had not, and what it lacks beside the last seconds before a kill.

    Args:
        reported: Time and identity of each event on the bus; an identity may repeat.
        recorded: Identities in the database.
        kills: When Home Assistant was killed.
    """
    kept = Counter(recorded)
    certain = Counter(name for at, name in reported if not any(kill - UNCOMMITTED <= at <= kill for kill in kills))
    strange = kept - Counter(name for _, name in reported)
    lacking = certain - kept
    return (
        [f"the recorder has {name}, which the bus had not" for name in strange],
        [f"the recorder lacks {name}" for name in lacking],
    )


def leaks(counts: Sequence[Mapping[str, Any]], reloads: int) -> list[str]:
    """Return what grew by at least one for each reload.

    Args:
        counts: What was held after each round; the first is before everything is in use.
        reloads: Number of reloads of each entry in a round.
    """
    if len(counts) < 3:
        return []
    first, last, rounds = counts[1], counts[-1], len(counts) - 2
    return [
        f"{name} grew from {first[name]} to {last[name]} in {rounds} rounds"
        for name in first
        if last[name] - first[name] >= rounds * (MEMORY if name == "memory" else reloads)
    ]
