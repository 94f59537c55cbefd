/** The picture of a camera: a still from time to time, and a stream while it is live. */

import { adoptStyle, create, define, icon, pictureAddress, setText } from "./dom.js";
import { available, domainOf } from "./parts.js";

// Milliseconds between stills, and between those that replace a stream.
const INTERVAL = 10_000;
const LIVE_INTERVAL = 1_000;

const STYLE = `
  :host {
    display: block; position: relative; aspect-ratio: 4 / 3; max-block-size: 60vh; inline-size: 100%; overflow: hidden;
    background: #000;
  }
  img { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; object-fit: contain; }
  img:not([src]), img.failed { display: none; }
  .none {
    position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center;
    gap: 8px; color: #fff; opacity: 0.7;
  }
  .icon { block-size: 40px; inline-size: 40px; fill: currentColor; }
`;

/** Shows one entity; `show` is called for each new state. */
export class DoorPicture extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    adoptStyle(root, STYLE);
    this._text = create("span");
    this._none = create("div", { className: "none" }, icon("door"), this._text);
    this._still = this._image();
    this._stream = this._image();
    root.append(this._none, this._still, this._stream);
    this._observer = new IntersectionObserver(([entry]) => {
      this._isVisible = entry.isIntersecting;
      this._apply();
    });
    this._changed = () => this._apply();
  }

  connectedCallback() {
    this._observer.observe(this);
    document.addEventListener("visibilitychange", this._changed);
  }

  disconnectedCallback() {
    this._observer.disconnect();
    document.removeEventListener("visibilitychange", this._changed);
    this._isVisible = false;
    this._apply();
    this._forget();
  }

  /** Show the picture of an entity; `live` streams it, `alt` describes it, and `none` is shown without a picture. */
  show(home, entityId, { live, alt, none }) {
    this._home = home;
    this._live = live;
    if (this._entityId !== entityId) {
      this._entityId = entityId;
      this._forget();
    }
    this._still.alt = alt;
    this._stream.alt = "";
    setText(this._text, none);
    if (live) {
      this._isVisible = this.isConnected; // a picture of a ring does not wait for the layout
    }
    this._apply();
  }

  /** Show no old picture at the next ring. */
  _forget() {
    this._still.removeAttribute("src");
    this._still.classList.add("failed");
    this._shown = undefined;
  }

  _image() {
    const image = create("img", { className: "failed", draggable: false });
    image.addEventListener("load", () => {
      image.classList.remove("failed");
      this.style.aspectRatio = `${image.naturalWidth} / ${image.naturalHeight}`;
    });
    image.addEventListener("error", () => image.classList.add("failed"));
    return image;
  }

  /** Request what is missing, and end what is not seen. */
  _apply() {
    const isSeen = this._isVisible && document.visibilityState === "visible" && this._entityId !== undefined;
    const state = isSeen ? available(this._home, this._entityId) : undefined;
    const path = state?.attributes.entity_picture;
    if (path === undefined) {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._setStream(null);
      if (isSeen) {
        this._still.classList.add("failed");
      }
      return;
    }
    const isCamera = domainOf(this._entityId) === "camera";
    if (isCamera) {
      if (this._timer === undefined || (this._live && !this._wasLive)) {
        this._request();
      }
    } else if (path !== this._shown) {
      this._shown = path;
      this._setSource(this._still, path);
    }
    this._setStream(isCamera && this._live ? path.replace("/camera_proxy/", "/camera_proxy_stream/") : null);
    this._wasLive = this._live;
  }

  /** Request a still now, and another one later. */
  _request() {
    const state = available(this._home, this._entityId);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._timer = undefined;
      this._apply();
    }, this._live ? LIVE_INTERVAL : INTERVAL);
    // A stream shows the current picture already.
    if (state !== undefined && !(this._streamed && !this._stream.classList.contains("failed"))) {
      const path = state.attributes.entity_picture;
      this._setSource(this._still, `${path}${path.includes("?") ? "&" : "?"}time=${Date.now()}`);
    }
  }

  /** Start a stream, or end it with null. A new token does not interrupt a running stream. */
  _setStream(path) {
    if (path === null) {
      if (this._streamed) {
        this._stream.removeAttribute("src"); // closes the connection
        this._stream.classList.add("failed");
      }
      this._streamed = false;
    } else if (!this._streamed) {
      this._streamed = true;
      this._setSource(this._stream, path);
    }
  }

  _setSource(image, path) {
    const address = pictureAddress(path);
    if (address !== null) {
      image.src = address;
    }
  }
}

define("ip-intercom-picture", DoorPicture);
