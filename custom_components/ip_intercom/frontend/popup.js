/** The pop-up that opens on a ring on every page of Home Assistant in this browser. */

import { BUTTON_STYLE, adoptStyle, create, define, icon, setText } from "./dom.js";
import "./door-view.js";
import { Home, connection } from "./home.js";
import { doorDevices, partsOf } from "./parts.js";
import { isPopupOn, onPopupChoice, setPopupOn } from "./preference.js";
import { RingWatch } from "./ring.js";
import { loadTexts } from "./texts.js";

// Milliseconds that what became of the visitor is shown before the pop-up closes.
const LINGER = 1_500;

const STYLE = `
  dialog {
    box-sizing: border-box; inline-size: min(640px, calc(100vw - 32px)); max-block-size: calc(100dvh - 32px); padding: 0; border: none;
    overflow: auto; border-radius: var(--ha-dialog-border-radius, 24px); color: var(--primary-text-color, #212121);
    background: var(--card-background-color, #fff); box-shadow: 0 8px 32px rgb(0 0 0 / 50%);
    font-family: var(--ha-font-family-body, Roboto, Noto, sans-serif); font-size: 14px;
  }
  :host([popover]) { inset: 0; margin: auto; padding: 0; border: none; background: none; overflow: visible; }
  :host([popover]) dialog { position: static; }
  dialog::backdrop { background: rgb(0 0 0 / 50%); }
  header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 24px; }
  dialog:dir(rtl) header { padding: 8px 24px 8px 8px; }
  h2 { flex: 1; min-inline-size: 0; margin: 0; font-size: 20px; font-weight: 500; outline: none; overflow-wrap: anywhere; }
  .close { display: flex; align-items: center; justify-content: center; inline-size: 48px; block-size: 48px; border-radius: 50%; }
  footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 8px; padding: 0 16px 12px; }
  footer button { padding: 8px; border-radius: 8px; color: var(--primary-color, #03a9f4); text-align: start; }
`;

/** Return the element with the focus, in whichever shadow root it is. */
function focused() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) {
    element = element.shadowRoot.activeElement;
  }
  return element;
}

/** Return whether the user may be typing in an element. */
function isEdited(element) {
  const buttons = ["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"];
  return (
    element instanceof HTMLElement &&
    (element.isContentEditable ||
      element instanceof HTMLTextAreaElement ||
      element instanceof HTMLSelectElement ||
      (element instanceof HTMLInputElement && !buttons.includes(element.type)))
  );
}

/** The dialog; `show` and `close` follow the current ring. Fires `popup-dismissed` when the user closes it. */
export class Popup extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    adoptStyle(root, BUTTON_STYLE + STYLE);
    this._title = create("h2", { id: "title", tabIndex: -1 });
    this._close = create(
      "button",
      { type: "button", className: "close", onclick: () => this._dismiss() },
      icon("close"),
    );
    this._view = create("ip-intercom-door-view", { id: "door" });
    this._off = create("button", { type: "button", onclick: () => setPopupOn(false) });
    this._other = create("button", {
      type: "button",
      hidden: true,
      onclick: () => this.dispatchEvent(new Event("popup-other")),
    });
    this._alert = create("div", { className: "hidden-text", attributes: { role: "alert" } });
    this._dialog = create(
      "dialog",
      { attributes: { role: "alertdialog", "aria-labelledby": "title" } },
      create("header", {}, this._title, this._close),
      this._view,
      create("footer", {}, this._off, this._other),
    );
    this._dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this._dismiss();
    });
    this._dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) {
        event.preventDefault();
        this._dismiss();
      }
      event.stopPropagation(); // Home Assistant has shortcuts of single keys
    });
    this._dialog.addEventListener("focusin", () => this._trapFocus());
    // The pop-up is outside of the element that listens to this.
    this._dialog.addEventListener("hass-more-info", (event) => {
      event.stopPropagation();
      this._dismiss();
      document
        .querySelector("home-assistant")
        ?.dispatchEvent(new CustomEvent(event.type, { bubbles: true, composed: true, detail: event.detail }));
    });
    // The next field gets the focus after this event.
    this._focusLeft = () => setTimeout(() => this._takeFocus());
    root.append(this._dialog, this._alert);
  }

  get isOpen() {
    return this._dialog.open;
  }

  /** Open or update it. `other` is the name of another door at which a visitor rings. */
  show({ home, texts, parts, ring, note, other }) {
    setText(this._title, parts.name);
    this._close.setAttribute("aria-label", texts.get("close"));
    this._close.title = texts.get("close");
    setText(this._off, texts.get("popup_off"));
    this._other.hidden = other === undefined;
    setText(this._other, other === undefined ? "" : texts.get("also_rings", { door: other }));
    this._view.show({ home, texts, parts, ring, isLive: true, note });
    const { description } = this._view;
    if (this._dialog.getAttribute("aria-description") !== description) {
      this._dialog.setAttribute("aria-description", description);
    }
    if (!this.isOpen) {
      this._open();
    }
    // A screen reader reads a dialog only once it has the focus.
    setText(this._alert, this.hasAttribute("popover") ? `${parts.name}, ${description}` : "");
  }

  /** Close it without an event. */
  close() {
    this._hide();
    this.remove(); // which ends the stream
  }

  _open() {
    document.body.append(this);
    if (isEdited(focused())) {
      // A dialog takes the focus whenever it is shown. As a popover, this element does not.
      this.popover = "manual";
      this._dialog.setAttribute("open", "");
      this.showPopover();
      document.addEventListener("focusout", this._focusLeft);
    } else {
      this._showModal();
      this._title.focus(); // not a button: a key that is held now must do nothing
    }
  }

  _showModal() {
    this._hide();
    this._dialog.showModal();
  }

  _hide() {
    document.removeEventListener("focusout", this._focusLeft);
    if (this.hasAttribute("popover")) {
      this._dialog.removeAttribute("open");
      this.removeAttribute("popover"); // which hides it
    }
    if (this._dialog.open) {
      this._dialog.close();
    }
  }

  /** Become modal when the popover gets the focus. */
  _trapFocus() {
    if (this.hasAttribute("popover")) {
      const target = focused();
      this._showModal();
      target.focus();
    }
  }

  /** Become modal when the user has left the field. */
  _takeFocus() {
    if (this.hasAttribute("popover") && !isEdited(focused())) {
      this._showModal();
      this._title.focus();
    }
  }

  _dismiss() {
    this.dispatchEvent(new Event("popup-dismissed"));
  }
}

define("ip-intercom-popup", Popup);

/** Opens the pop-up for rings at all doors: one pop-up, for the ring that came first. */
export class PopupControl {
  constructor(conn) {
    this._popup = create("ip-intercom-popup");
    this._popup.addEventListener("popup-dismissed", () => this._dismiss());
    this._popup.addEventListener("popup-other", () => this._showOther());
    this._home = new Home(conn, () => this._update());
    this._watches = new Map();
    this._doors = new Map(); // parts by the ids of devices
    this._rings = []; // ids of devices, in the order of their rings
  }

  start() {
    return this._home.start();
  }

  stop() {
    this._home.stop();
    clearTimeout(this._timer);
    clearTimeout(this._linger);
    this._stopped = true;
    this._popup.close();
  }

  _update() {
    const home = this._home;
    if (home.entities !== this._entities) {
      this._entities = home.entities;
      this._findDoors();
    }
    let wait = null;
    for (const [deviceId, parts] of this._doors) {
      const watch = this._watches.get(deviceId);
      if (watch.update(home, parts)) {
        this._change(deviceId, watch);
      }
      wait = watch.lasts === null ? wait : Math.min(wait ?? watch.lasts, watch.lasts);
    }
    clearTimeout(this._timer);
    this._timer = wait === null ? undefined : setTimeout(() => this._update(), wait * 1000);
    this._render();
  }

  _findDoors() {
    const devices = doorDevices(this._home);
    this._doors = new Map(devices.map((deviceId) => [deviceId, partsOf(this._home, { device_id: deviceId })]));
    this._watches = new Map(devices.map((deviceId) => [deviceId, this._watches.get(deviceId) ?? new RingWatch()]));
    this._rings = this._rings.filter((deviceId) => this._doors.has(deviceId));
  }

  _change(deviceId, watch) {
    if (watch.ring !== null) {
      if (!this._rings.includes(deviceId)) {
        this._rings.push(deviceId);
      }
      if (deviceId === this._ended) {
        clearTimeout(this._linger);
        this._ended = undefined;
      }
    } else if (this._rings[0] === deviceId && watch.outcome !== null && this._popup.isOpen) {
      this._ended = deviceId;
      this._linger = setTimeout(() => {
        this._endLinger();
        this._render();
      }, LINGER);
    } else {
      this._remove(deviceId);
    }
  }

  /** Remove the ring whose outcome is shown. */
  _endLinger() {
    clearTimeout(this._linger);
    this._remove(this._ended);
    this._ended = undefined;
  }

  _remove(deviceId) {
    this._rings = this._rings.filter((other) => other !== deviceId);
  }

  /** Close the pop-up for this ring; a new one opens it again. */
  _dismiss() {
    this._remove(this._rings[0]);
    this._endLinger();
    this._render();
  }

  _showOther() {
    if (this._ended === undefined) {
      this._rings.push(this._rings.shift());
    }
    this._endLinger();
    this._render();
  }

  async _render() {
    const home = this._home;
    if (this._rings.length === 0) {
      this._popup.close();
      return;
    }
    const texts = await loadTexts((message) => home.callWS(message), home.language);
    const [deviceId, other] = this._rings;
    if (deviceId === undefined || this._stopped) {
      this._popup.close(); // it ended meanwhile
      return;
    }
    const watch = this._watches.get(deviceId);
    this._popup.show({
      home,
      texts,
      parts: this._doors.get(deviceId),
      ring: watch.ring,
      note: watch.outcome === null ? "" : texts.outcome(watch.outcome),
      other: this._doors.get(other)?.name,
    });
  }
}

/** Follow the choice of this browser: nothing is subscribed while the pop-up is off. */
export async function startPopup() {
  if (window.ipIntercomPopup) {
    return; // an older version of this module, in a page that was open during an update
  }
  window.ipIntercomPopup = true;
  const conn = await connection();
  let control = null;
  const apply = () => {
    if (isPopupOn() && control === null) {
      control = new PopupControl(conn);
      control.start().catch((error) => console.warn("ip_intercom: no pop-up", error));
    } else if (!isPopupOn() && control !== null) {
      control.stop();
      control = null;
    }
  };
  onPopupChoice(apply);
  apply();
}
