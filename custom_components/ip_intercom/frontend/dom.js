/** Building blocks of elements. Texts only become text nodes, so that markup in names of devices stays text. */

/** Create an element: `properties` are set on it, those in `attributes` as attributes. */
export function create(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Create a style sheet in the shadow root of an element. */
export function adoptStyle(root, css) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** Define an element once: after an update, an open page loads the new version beside the old one. */
export function define(name, type) {
  if (!customElements.get(name)) {
    customElements.define(name, type);
  }
}

/** Set a text only if it is different, so that screen readers do not repeat it. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Dispatch an event that leaves shadow roots. */
export function fire(element, type, detail) {
  element.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
}

/** Return the address of a picture of Home Assistant; null for any other. */
export function pictureAddress(path) {
  if (typeof path !== "string" || path === "") {
    return null;
  }
  const base = new URL("/", import.meta.url);
  const address = new URL(path, base);
  return address.origin === base.origin ? address.href : null;
}

// Material Design Icons, as Home Assistant uses them (Apache 2.0).
const ICONS = {
  "bell-off": "M22.11 21.46 2.39 1.73 1.11 3 5.83 7.72C5.29 8.73 5 9.86 5 11V17L3 19V20H18.11L20.84 22.73 22.11 21.46M7 18V11C7 10.39 7.11 9.79 7.34 9.23L16.11 18H7M10 21H14C14 22.11 13.11 23 12 23S10 22.11 10 21M8.29 5.09C8.82 4.75 9.4 4.48 10 4.29 10 4.19 10 4.1 10 4 10 2.9 10.9 2 12 2S14 2.9 14 4C14 4.1 14 4.19 14 4.29 16.97 5.17 19 7.9 19 11V15.8L17 13.8V11C17 8.24 14.76 6 12 6 11.22 6 10.45 6.2 9.76 6.56L8.29 5.09Z",
  bell: "M10 21H14C14 22.1 13.1 23 12 23S10 22.1 10 21M21 19V20H3V19L5 17V11C5 7.9 7 5.2 10 4.3V4C10 2.9 10.9 2 12 2S14 2.9 14 4V4.3C17 5.2 19 7.9 19 11V17L21 19M17 11C17 8.2 14.8 6 12 6S7 8.2 7 11V18H17V11Z",
  close: "M19,6.41L17.59,5L12,10.59L6.41,5L5,6.41L10.59,12L5,17.59L6.41,19L12,13.41L17.59,19L19,17.59L13.41,12L19,6.41Z",
  door: "M12,3C10.89,3 10,3.89 10,5H3V19H2V21H22V19H21V5C21,3.89 20.11,3 19,3H12M12,5H19V19H12V5M5,11H7V13H5V11Z",
  microphone: "M12,2A3,3 0 0,1 15,5V11A3,3 0 0,1 12,14A3,3 0 0,1 9,11V5A3,3 0 0,1 12,2M19,11C19,14.53 16.39,17.44 13,17.93V21H11V17.93C7.61,17.44 5,14.53 5,11H7A5,5 0 0,0 12,16A5,5 0 0,0 17,11H19Z",
  "phone-hangup": "M12,9C10.4,9 8.85,9.25 7.4,9.72V12.82C7.4,13.22 7.17,13.56 6.84,13.72C5.86,14.21 4.97,14.84 4.17,15.57C4,15.75 3.75,15.86 3.5,15.86C3.2,15.86 2.95,15.74 2.77,15.56L0.29,13.08C0.11,12.9 0,12.65 0,12.38C0,12.1 0.11,11.85 0.29,11.67C3.34,8.77 7.46,7 12,7C16.54,7 20.66,8.77 23.71,11.67C23.89,11.85 24,12.1 24,12.38C24,12.65 23.89,12.9 23.71,13.08L21.23,15.56C21.05,15.74 20.8,15.86 20.5,15.86C20.25,15.86 20,15.75 19.82,15.57C19.03,14.84 18.14,14.21 17.16,13.72C16.83,13.56 16.6,13.22 16.6,12.82V9.72C15.15,9.25 13.6,9 12,9Z",
  phone: "M6.62,10.79C8.06,13.62 10.38,15.94 13.21,17.38L15.41,15.18C15.69,14.9 16.08,14.82 16.43,14.93C17.55,15.3 18.75,15.5 20,15.5A1,1 0 0,1 21,16.5V20A1,1 0 0,1 20,21A17,17 0 0,1 3,4A1,1 0 0,1 4,3H7.5A1,1 0 0,1 8.5,4C8.5,5.25 8.7,6.45 9.07,7.57C9.18,7.92 9.1,8.31 8.82,8.59L6.62,10.79Z",
};

/** Create an icon, which screen readers skip. */
export function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The look of buttons and icons in all elements. */
export const BUTTON_STYLE = `
  .icon { block-size: 24px; inline-size: 24px; fill: currentColor; flex: none; }
  button {
    font: inherit; color: inherit; cursor: pointer; border: none; background: none; margin: 0; padding: 0;
    -webkit-tap-highlight-color: transparent;
  }
  button:focus-visible, a:focus-visible { outline: 2px solid var(--primary-color, #03a9f4); outline-offset: 2px; }
  button:disabled { cursor: default; opacity: 0.5; }
  [hidden] { display: none !important; }
  .hidden-text {
    position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  }
`;
