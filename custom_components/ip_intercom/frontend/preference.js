/** Whether the pop-up opens in this browser. */

const KEY = "ip_intercom.popup";
const CHANGED = "ip-intercom-popup-preference";
// Home Assistant shows the layout for phones below this width.
const DESKTOP = "(min-width: 870px)";

// The choice where the browser blocks storage; it lasts until the page is loaded again.
let fallback = null;

/** Return the choice in this browser; without one, the pop-up opens on screens wider than those of phones. */
export function isPopupOn() {
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    chosen = fallback;
  }
  return chosen === null ? matchMedia(DESKTOP).matches : chosen === "on";
}

/** Choose for this browser. */
export function setPopupOn(isOn) {
  fallback = isOn ? "on" : "off";
  try {
    localStorage.setItem(KEY, fallback);
  } catch {
    // `isPopupOn` takes the fallback.
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** Call a listener for each choice, also in other tabs; returns a function that ends it. */
export function onPopupChoice(listener) {
  const stored = (event) => {
    if (event.key === KEY || event.key === null) {
      listener();
    }
  };
  const width = matchMedia(DESKTOP);
  window.addEventListener(CHANGED, listener);
  window.addEventListener("storage", stored);
  width.addEventListener("change", listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
    window.removeEventListener("storage", stored);
    width.removeEventListener("change", listener);
  };
}
