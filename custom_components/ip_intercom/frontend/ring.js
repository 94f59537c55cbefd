/** Which visitor rings now, from the states of the entities of a door. */

import { available } from "./parts.js";

/** Return the incoming call of a device without bells, in the form of a ring; null without one. */
export function incomingCall(home, parts) {
  const call = parts.bells.length === 0 ? available(home, parts.call) : undefined;
  return call?.state === "ringing" ? { bell: null, caller: call.attributes.peer ?? null } : null;
}

// Seconds within which the sensor follows the event of a ring.
const SOON = 5;
// Seconds that a ring lasts if nothing tells its end, and that it may be old when it is first seen.
const LONGEST = 60;

const seconds = (time) => Date.parse(time) / 1000;

/** Follows the rings of one door. `ring` is the current one: its bell, time, and caller; or null. */
export class RingWatch {
  ring = null;
  /** What became of the ring that ended: `answered`, `opened`, `missed`, or null. */
  outcome = null;
  /** The time and the outcome of the last ring, also of one before the page was opened; null without one. */
  last = null;

  /** Follow the states; returns whether the ring changed. `now` is in seconds. */
  update(home, parts, now = Date.now() / 1000) {
    const before = this.ring;
    const sensors = parts.ringing.map((entityId) => available(home, entityId)).filter(Boolean);
    const rings = sensors.some((sensor) => sensor.state === "on");
    const outcome = this._outcome(home, parts);
    const [bell, state] = this._newest(home, parts);
    this.last = state && {
      time: state.state,
      outcome: outcome !== null && outcome.time > seconds(state.state) ? outcome.type : null,
    };
    // A state that was unavailable returns with the time of its last event.
    if (state !== undefined && !(seconds(state.state) <= this._seen)) {
      this._seen = seconds(state.state);
      this._seenAt = now;
      this._pending = bell;
      if (this._isStarted && Math.abs(now - this._seen) < LONGEST) {
        this._begin(bell, state, now);
      }
    }
    this._isStarted ||= parts.bells.some((entityId) => available(home, entityId) !== undefined);
    // A page that was opened or connected again during the ring. The sensor, which may follow a moment later, makes it
    // unnecessary to compare the clock of the browser with that of Home Assistant.
    if (this._pending && rings && now - this._seenAt < SOON) {
      this._begin(this._pending, home.states[this._pending], now);
    }
    if (this.ring !== null) {
      this._sensed ||= rings;
      const isOver = this._sensed ? !rings : now - this._since > LONGEST;
      const isNew = outcome !== null && outcome.time > seconds(this.ring.time);
      // The ring before this one may be reported as missed while this one lasts.
      if (isNew && (outcome.type !== "missed" || !rings)) {
        this.outcome = outcome.type;
        this.ring = null;
      } else if (isOver) {
        this.ring = null;
      }
    }
    return this.ring !== before;
  }

  /** Seconds after which the ring has to be checked without a new state. */
  get lasts() {
    return this.ring === null || this._sensed ? null : LONGEST + 1;
  }

  _begin(bell, state, now) {
    this._pending = null;
    this._sensed = false;
    this._since = now;
    this.outcome = null;
    this.ring = { bell, time: state.state, caller: state.attributes.caller ?? null };
  }

  /** Return the bell with the newest event, and its state. */
  _newest(home, parts) {
    return parts.bells
      .map((bell) => [bell, available(home, bell)])
      .filter(([, state]) => state !== undefined && !Number.isNaN(seconds(state.state)))
      .reduce((newest, other) => (newest[1] && newest[1].state >= other[1].state ? newest : other), []);
  }

  _outcome(home, parts) {
    const state = available(home, parts.visitor);
    const time = state === undefined ? Number.NaN : seconds(state.state);
    return Number.isNaN(time) ? null : { type: state.attributes.event_type, time };
  }
}
