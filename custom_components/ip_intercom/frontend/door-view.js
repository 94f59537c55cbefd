/** What the card and the pop-up have in common: the picture of a door, who rings, and the buttons. */

import { BUTTON_STYLE, adoptStyle, create, define, fire, icon, setText } from "./dom.js";
import "./door-picture.js";
import "./hold-button.js";
import { available, canTalk, openDoor, pressButton, shortName } from "./parts.js";

// Milliseconds that the result of a button is shown.
const RESULT = 4_000;

const STYLE = `
  :host { display: block; }
  .picture { position: relative; }
  .picture > button { display: block; inline-size: 100%; }
  .picture.none .ring { position: static; margin: 4px 16px 0; }
  .ring {
    position: absolute; inset-block-start: 8px; inset-inline: 8px; inline-size: fit-content;
    max-inline-size: calc(100% - 16px); box-sizing: border-box; display: flex; align-items: center; gap: 8px;
    padding: 6px 12px; border-radius: 18px; background: var(--ip-intercom-ring-color, #b71c1c); color: #fff; font-weight: 500; pointer-events: none;
  }
  .ring span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: plaintext; }
  .ring .icon { animation: swing 1s ease-in-out infinite; transform-origin: 50% 10%; }
  @keyframes swing { 25% { transform: rotate(15deg); } 75% { transform: rotate(-15deg); } }
  @media (prefers-reduced-motion: reduce) { .ring .icon { animation: none; } }
  .actions { display: flex; flex-wrap: wrap; gap: 8px; padding: 12px 16px 0; }
  .actions > * { flex: 1 1 auto; }
  .actions > button {
    display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-block-size: 48px; padding: 0 16px;
    border-radius: 24px; font-weight: 500; color: var(--primary-text-color, #212121);
    background: var(--secondary-background-color, #e5e5e5);
  }
  .actions > button.answer { background: var(--success-color, #2e7d32); color: #fff; }
  .actions > button.hang-up { background: var(--error-color, #c62828); color: #fff; }
  .message { min-block-size: 1.4em; padding: 8px 16px; line-height: 1.4; color: var(--secondary-text-color, #727272); }
  .message.failed { color: var(--error-color, #c62828); }
`;

/** Shows one door; `show` is called for each new state. Fires `hass-more-info` for the picture and to talk. */
export class DoorView extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    adoptStyle(root, BUTTON_STYLE + STYLE);
    this._picture = create("ip-intercom-picture");
    this._pictureButton = create("button", { type: "button", onclick: () => this._showCamera() }, this._picture);
    this._ringText = create("span");
    this._ring = create("div", { className: "ring", hidden: true }, icon("bell"), this._ringText);
    this._answer = this._button("answer", "phone", () => this._press(this._parts.answer));
    this._hangUp = this._button("hang-up", "phone-hangup", () => this._press(this._parts.hangUp));
    this._talk = this._button("talk", "microphone", () => this._showCamera());
    this._actions = create("div", { className: "actions" }, this._answer, this._hangUp, this._talk);
    this._message = create("div", { className: "message", attributes: { role: "status" } });
    this._pictureBox = create("div", { className: "picture" }, this._pictureButton, this._ring);
    root.append(this._pictureBox, this._actions, this._message);
    this._doors = new Map();
  }

  disconnectedCallback() {
    this._say("");
  }

  /** Who rings, for screen readers. */
  get description() {
    return this._ringText.textContent;
  }

  /** Show the current states; `ring` is that of a `RingWatch`, `isLive` streams the picture, `note` is a text. */
  show({ home, texts, parts, ring, isLive, note }) {
    Object.assign(this, { _home: home, _texts: texts, _parts: parts });
    this._note = note || (parts.doors.length > 0 ? texts.get("hold_to_open") : "");
    this._ring.hidden = ring === null;
    setText(this._ringText, ring === null ? "" : this._describe(ring));
    this._picture.show(home, parts.camera, {
      live: isLive,
      alt: texts.get("picture", { door: parts.name }),
      none: texts.get("no_picture"),
    });
    this._pictureButton.hidden = parts.camera === undefined;
    this._pictureBox.classList.toggle("none", parts.camera === undefined);
    this._showDoors();
    this._showCall(ring);
    this._askForTalk(ring);
    if (!this._tells) {
      setText(this._message, this._note);
    }
  }

  /** Return who rings. */
  _describe({ bell, caller }) {
    if (bell === null) {
      return caller ?? this._texts.entity("binary_sensor", "ringing");
    }
    const name = shortName(this._home, bell);
    return caller === null ? this._texts.get("rings", { bell: name }) : `${name}: ${caller}`;
  }

  _button(className, iconName, onclick) {
    const label = create("span");
    const button = create("button", { type: "button", className, hidden: true, onclick }, icon(iconName), label);
    button.label = label;
    return button;
  }

  /** Add and remove the buttons of doors; those that stay are not touched, they may be held now. */
  _showDoors() {
    const { _home: home, _parts: parts, _texts: texts } = this;
    for (const [entityId, button] of this._doors) {
      if (!parts.doors.includes(entityId)) {
        button.remove();
        this._doors.delete(entityId);
      }
    }
    for (const entityId of parts.doors) {
      if (!this._doors.has(entityId)) {
        this._doors.set(entityId, this._doorButton(entityId));
        this._actions.insertBefore(this._doors.get(entityId), this._answer);
      }
      const button = this._doors.get(entityId);
      const isOnly = parts.doors.length === 1;
      button.label = isOnly ? texts.get("open") : texts.get("open_door", { door: shortName(home, entityId) });
      button.hint = texts.get("hold_to_open");
      button.disabled = available(home, entityId) === undefined || button.isBusy === true;
    }
  }

  _doorButton(entityId) {
    const button = create("ip-intercom-hold-button");
    button.addEventListener("hold-start", () => this._say(this._texts.get("keep_holding")));
    button.addEventListener("hold-short", () => this._say(this._texts.get("held_too_short"), { forgets: true }));
    button.addEventListener("hold", () => {
      button.isBusy = true;
      button.disabled = true;
      this._act(this._texts.get("opening"), openDoor(this._home, entityId), this._texts.get("opened")).finally(() => {
        button.isBusy = false;
        button.disabled = available(this._home, entityId) === undefined;
      });
    });
    return button;
  }

  _showCall(ring) {
    const { _home: home, _parts: parts, _texts: texts } = this;
    const { state: call, attributes } = available(home, parts.call) ?? {};
    const isElsewhere = (attributes?.bell ?? null) !== null && !parts.bells.includes(attributes.bell);
    const calls = call !== undefined && call !== "idle" && call !== "unknown" && !isElsewhere;
    // The call may be at another door of the account, unless the button answers the calls of all.
    const deviceIdOf = (entityId) => home.entities[entityId]?.device_id;
    const isOwn = deviceIdOf(parts.answer) === parts.deviceId && deviceIdOf(parts.call) !== parts.deviceId;
    const canAnswer = ring !== null || (call === "ringing" && !isOwn);
    this._answer.hidden = !canAnswer || available(home, parts.answer) === undefined;
    this._hangUp.hidden = !(ring !== null || calls) || available(home, parts.hangUp) === undefined;
    setText(this._answer.label, texts.entity("button", "answer"));
    setText(this._hangUp.label, texts.entity("button", "hang_up"));
    setText(this._talk.label, texts.get("talk"));
  }

  /**
   * Ask once for each camera whether the user can talk through it, again after it was unavailable, and with each ring
   * and call: some doors can be talked to only then.
   */
  _askForTalk(ring) {
    const { _home: home, _parts: parts } = this;
    const camera = available(home, parts.camera) === undefined ? undefined : parts.camera;
    const call = available(home, parts.call)?.state;
    const occasion = `${ring?.time} ${call}`;
    if (camera === this._talkCamera && occasion === this._talkOccasion) {
      return;
    }
    this._talk.hidden ||= camera !== this._talkCamera;
    this._talkCamera = camera;
    this._talkOccasion = occasion;
    canTalk(home, camera).then(
      (can) => {
        if (camera === this._talkCamera && occasion === this._talkOccasion) {
          this._talk.hidden = !can;
        }
      },
      () => {
        this._talkCamera = null; // the next state asks again
      },
    );
  }

  _showCamera() {
    fire(this, "hass-more-info", { entityId: this._parts.camera });
  }

  _press(entityId) {
    this._act("", pressButton(this._home, entityId), "");
  }

  /** Tell how an action goes. */
  async _act(start, action, end) {
    this._say(start);
    try {
      await action;
      this._say(end, { forgets: true });
    } catch (error) {
      // Home Assistant refuses with an object of `code` and `message`.
      const reason = error?.message ?? String(error);
      this._say(this._texts.get("failed", { reason }), { forgets: true, failed: true });
    }
  }

  /** Tell something instead of the note of `show`, for a while or until the next text. */
  _say(text, { forgets = false, failed = false } = {}) {
    clearTimeout(this._timer);
    this._tells = text !== "";
    this._message.classList.toggle("failed", failed);
    setText(this._message, text);
    if (forgets) {
      this._timer = setTimeout(() => {
        this._tells = false;
        this._message.classList.remove("failed");
        setText(this._message, this._note);
      }, RESULT);
    }
  }
}

define("ip-intercom-door-view", DoorView);
