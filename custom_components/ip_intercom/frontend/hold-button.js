/** A button that acts only when it is held: a tap, a click, or a key that is only pressed does nothing. */

import { BUTTON_STYLE, adoptStyle, create, define, fire, icon, setText } from "./dom.js";

/** Milliseconds to hold the button. */
export const HOLD = 800;
// Milliseconds by which a timer may be late.
const LATE = 100;

const KEYS = new Set(["Enter", " "]);

const STYLE = `
  :host { display: inline-flex; }
  button {
    position: relative; overflow: hidden; flex: 1; min-block-size: 48px; padding: 4px 20px; border-radius: 24px;
    display: inline-flex; align-items: center; justify-content: center; gap: 8px; font-weight: 500;
    background: var(--primary-color, #03a9f4); color: var(--text-primary-color, #fff);
    touch-action: none; user-select: none; -webkit-user-select: none; -webkit-touch-callout: none;
  }
  .bar {
    position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: 0;
    background: var(--success-color, #43a047);
  }
  .holding .bar { inline-size: 100%; transition: inline-size ${HOLD}ms linear; }
  .icon, .label { position: relative; }
  @media (prefers-reduced-motion: reduce) { .holding .bar { transition-timing-function: steps(4); } }
`;

/** Fires `hold-start`, then `hold` at the end or `hold-short` if it was released before. */
export class HoldButton extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    adoptStyle(root, BUTTON_STYLE + STYLE);
    this._label = create("span", { className: "label" });
    this._hint = create("span", { id: "hint", className: "hidden-text" });
    this._button = create(
      "button",
      { type: "button", attributes: { "aria-describedby": "hint" } },
      create("span", { className: "bar" }),
      icon("door"),
      this._label,
    );
    root.append(this._button, this._hint);
    this._leave = () => this._release();
    this._listen();
  }

  set label(text) {
    setText(this._label, text);
  }

  set hint(text) {
    setText(this._hint, text);
    this._button.title = text;
  }

  set disabled(disabled) {
    this._button.disabled = disabled;
    if (disabled) {
      this._release();
    }
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this._leave);
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this._leave);
    this._release();
  }

  _listen() {
    const button = this._button;
    button.addEventListener("pointerdown", (event) => {
      if (event.isPrimary && event.button === 0) {
        // A touch captures the pointer, and would never leave the button.
        if (button.hasPointerCapture(event.pointerId)) {
          button.releasePointerCapture(event.pointerId);
        }
        this._press("pointer");
      } else {
        this._release(); // a second finger or button
      }
    });
    for (const type of ["pointerup", "pointerleave", "pointercancel"]) {
      button.addEventListener(type, () => this._release("pointer"));
    }
    button.addEventListener("keydown", (event) => {
      if (KEYS.has(event.key)) {
        event.preventDefault();
        if (!event.repeat) {
          this._press(event.key); // a repeated key was pressed before the button got the focus
        }
      } else if (event.key === "Escape" && this._held !== undefined) {
        event.stopPropagation();
        event.preventDefault();
        this._release();
      }
    });
    button.addEventListener("keyup", (event) => {
      if (KEYS.has(event.key)) {
        event.preventDefault(); // a space would click the button
      }
      this._release(event.key);
    });
    button.addEventListener("click", (event) => {
      if (event.detail === 0) {
        fire(this, "hold-short"); // of a screen reader, which should tell what to do
      }
    });
    button.addEventListener("blur", this._leave);
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  _press(by) {
    if (this._held !== undefined || this._button.disabled) {
      return;
    }
    this._held = by;
    this._button.classList.add("holding");
    fire(this, "hold-start");
    this._finishAfter(HOLD);
  }

  /** Act after some time. If the page was busy then, wait a little more: a release may be in the queue. */
  _finishAfter(delay) {
    const due = performance.now() + delay;
    this._timer = setTimeout(() => {
      if (performance.now() > due + LATE) {
        this._finishAfter(LATE);
      } else {
        this._end();
        fire(this, "hold");
      }
    }, delay);
  }

  /** End the hold; `by` is what was released, undefined for any. */
  _release(by) {
    if (this._held === undefined || (by !== undefined && by !== this._held)) {
      return;
    }
    this._end();
    fire(this, "hold-short");
  }

  _end() {
    this._held = undefined;
    clearTimeout(this._timer);
    this._button.classList.remove("holding");
  }
}

define("ip-intercom-hold-button", HoldButton);
