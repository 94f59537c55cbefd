/** The last visitors of a device as small pictures. */

import { BUTTON_STYLE, adoptStyle, create, define, icon, pictureAddress } from "./dom.js";

// Milliseconds until the visitors of a device that is not loaded are requested again.
const RETRY = 10_000;

const STYLE = `
  :host { display: block; }
  ul { display: flex; gap: 8px; margin: 0; padding: 0 16px 12px; list-style: none; overflow-x: auto; }
  li { flex: 0 0 96px; font-size: 12px; line-height: 1.3; color: var(--secondary-text-color, #727272); }
  a { display: block; color: inherit; text-decoration: none; border-radius: 8px; }
  .frame {
    position: relative; display: flex; align-items: center; justify-content: center; block-size: 60px; overflow: hidden;
    border-radius: 8px; background: var(--secondary-background-color, #e5e5e5);
  }
  img { inline-size: 100%; block-size: 100%; object-fit: cover; }
  .text { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .missed .text:last-child { color: var(--error-color, #c62828); }
`;

/** Follows the visitors of a device; hidden while there are none. */
export class Visitors extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    adoptStyle(root, BUTTON_STYLE + STYLE);
    this._list = create("ul");
    root.append(this._list);
  }

  connectedCallback() {
    this.hidden = true; // until there are visitors
  }

  disconnectedCallback() {
    this._stop();
  }

  /** Show the last visitors of a device. */
  show({ home, texts, deviceId, limit, formatTime }) {
    Object.assign(this, { _texts: texts, _formatTime: formatTime });
    this._list.setAttribute("aria-label", texts.get("visitors"));
    const key = limit > 0 && deviceId !== undefined && this.isConnected ? `${deviceId} ${limit}` : undefined;
    if (key === this._key && home.connection === this._connection) {
      return;
    }
    this._stop();
    this._key = key;
    this._connection = home.connection;
    if (key !== undefined) {
      this._subscribe(home.connection, deviceId, limit);
    }
  }

  async _subscribe(connection, deviceId, limit) {
    const key = this._key;
    const isCurrent = () => key === this._key && connection === this._connection;
    const again = () => isCurrent() && this._subscribe(connection, deviceId, limit);
    clearTimeout(this._timer);
    this._cancel = undefined; // that of a lost connection
    connection.removeEventListener("ready", this._again);
    this._again = again;
    connection.addEventListener("ready", again);
    try {
      const cancel = await connection.subscribeMessage(
        ({ visitors }) => {
          if (isCurrent()) {
            this._render(visitors.slice(0, limit));
          }
        },
        { type: "ip_intercom/visitors/subscribe", device_id: deviceId, limit },
        // After a restart of Home Assistant, the device is found later than the connection.
        { resubscribe: false },
      );
      if (isCurrent()) {
        this._cancel = cancel;
      } else {
        cancel();
      }
    } catch (error) {
      console.debug("ip_intercom: no visitors", error);
      if (error?.code === "not_found" && isCurrent()) {
        this._timer = setTimeout(again, RETRY); // the device is not loaded
      }
    }
  }

  _stop() {
    clearTimeout(this._timer);
    this._connection?.removeEventListener("ready", this._again);
    this._cancel?.();
    this._cancel = undefined;
    this._key = undefined;
    this.hidden = true;
  }

  _render(visitors) {
    this.hidden = visitors.length === 0;
    this._list.replaceChildren(...visitors.map((visitor) => this._item(visitor)));
  }

  _item({ time, bell, outcome, picture }) {
    const when = this._formatTime(time);
    const what = outcome ? this._texts.outcome(outcome) : "";
    const address = pictureAddress(picture);
    const frame = create("span", { className: "frame" });
    if (address === null) {
      frame.append(icon("bell"));
    } else {
      const image = create("img", { src: address, alt: "", loading: "lazy" });
      image.addEventListener("error", () => frame.replaceChildren(icon("bell")));
      frame.append(image);
    }
    const texts = [when, what].filter(Boolean).map((text) => create("span", { className: "text" }, text));
    const title = [when, bell, what].filter(Boolean).join(", ");
    const content =
      address === null
        ? create("div", { title }, frame, ...texts)
        : create("a", { href: address, target: "_blank", rel: "noopener", title }, frame, ...texts);
    content.setAttribute("aria-label", title);
    return create("li", { className: outcome ?? "" }, content);
  }
}

define("ip-intercom-visitors", Visitors);
