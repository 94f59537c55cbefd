/** The card of a door for dashboards. */

import { BUTTON_STYLE, adoptStyle, create, define, icon, setText } from "./dom.js";
import "./door-view.js";
import { DOMAIN, DOORS, deviceOf, domainOf, doorDevices, entityIdsOf, partsOf } from "./parts.js";
import { isPopupOn, onPopupChoice, setPopupOn } from "./preference.js";
import { RingWatch, incomingCall } from "./ring.js";
import { loadTexts } from "./texts.js";
import "./visitors.js";

const TYPE = "ip-intercom-door";
const VISITORS = 5;

const STYLE = `
  ha-card { overflow: hidden; }
  header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 16px; min-block-size: 40px; }
  :host(:dir(rtl)) header { padding: 8px 16px 8px 8px; }
  h2 {
    flex: 1; min-inline-size: 0; margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
    font-size: var(--ha-font-size-l, 16px); font-weight: 500; color: var(--primary-text-color, #212121);
  }
  .popup {
    display: flex; align-items: center; justify-content: center; inline-size: 40px; block-size: 40px; border-radius: 50%;
    color: var(--secondary-text-color, #727272);
  }
  .popup[aria-checked="true"] { color: var(--primary-color, #03a9f4); }
  .hint { padding: 0 16px 16px; color: var(--secondary-text-color, #727272); }
`;

/** Return a time as the user wants times to be shown. */
function formatTime({ locale, config }, { language }, time) {
  const hour12 = { 12: true, 24: false }[locale?.time_format];
  const timeZone = locale?.time_zone === "server" ? config.time_zone : undefined;
  const options = { weekday: "short", hour: "numeric", minute: "2-digit", hour12, timeZone };
  return new Intl.DateTimeFormat(language, options).format(new Date(time));
}

/** A card with `device_id`, and optionally `name`, `lock`, `camera`, `bell`, and a number of `visitors`. */
export class DoorCard extends HTMLElement {
  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    adoptStyle(root, BUTTON_STYLE + STYLE);
    this._title = create("h2");
    this._popup = create("button", {
      type: "button",
      className: "popup",
      onclick: () => setPopupOn(!isPopupOn()),
      attributes: { role: "switch" },
    });
    this._hint = create("div", { className: "hint", hidden: true });
    this._view = create("ip-intercom-door-view");
    this._visitors = create("ip-intercom-visitors");
    root.append(
      create(
        "ha-card",
        {},
        create("header", {}, this._title, this._popup),
        this._hint,
        this._view,
        this._visitors,
      ),
    );
    this._watch = new RingWatch();
  }

  /** Called by Home Assistant with the configuration. */
  setConfig(config) {
    const texts = ["device_id", "name", "camera", "bell"];
    const wrong = texts.find((key) => config[key] !== undefined && typeof config[key] !== "string");
    if (wrong !== undefined) {
      throw new Error(`${wrong} is not a text`);
    }
    if (![config.lock ?? []].flat().every((lock) => typeof lock === "string")) {
      throw new Error("lock is neither a text nor a list of texts");
    }
    if (config.visitors !== undefined && !(Number(config.visitors) >= 0)) {
      throw new Error("visitors is not a number");
    }
    this._config = config;
    this._watch = new RingWatch();
    this._update();
  }

  /** Called by Home Assistant for each change of a state. */
  set hass(hass) {
    const isFirst = this._hass === undefined;
    const before = this._hass;
    this._hass = hass;
    if (isFirst || before.language !== hass.language) {
      this._loadTexts();
    }
    // Most changes are of other entities.
    const isSame = ["entities", "devices", "locale"].every((key) => before?.[key] === hass[key]);
    if (isSame && this._shown?.every((entityId) => before.states[entityId] === hass.states[entityId])) {
      return;
    }
    this._update();
  }

  connectedCallback() {
    this._endChoice = onPopupChoice(() => this._showChoice());
    this._update();
  }

  disconnectedCallback() {
    this._endChoice?.();
    clearTimeout(this._timer);
  }

  /** Called by Home Assistant for the layout of a view with columns; one is about 50 pixels. */
  getCardSize() {
    return 7;
  }

  /** Called by Home Assistant for the layout of a view with sections. */
  getGridOptions() {
    return { columns: 12, min_columns: 6, rows: "auto" };
  }

  static getStubConfig(hass) {
    const [deviceId] = doorDevices(hass);
    return deviceId === undefined ? {} : { device_id: deviceId };
  }

  /** Return the form of the visual editor. */
  static async getConfigForm() {
    const texts = await DoorCard._texts?.catch(() => undefined); // then the names of the fields are shown
    const entity = (filter, more = {}) => ({ entity: { filter, ...more } });
    return {
      schema: [
        { name: "device_id", selector: { device: { filter: { integration: DOMAIN } } } },
        { name: "name", selector: { text: {} } },
        { name: "visitors", selector: { number: { min: 0, max: 20, mode: "box" } } },
        { name: "lock", selector: entity({ domain: DOORS }, { multiple: true }) },
        { name: "camera", selector: entity({ domain: ["camera", "image"] }) },
        { name: "bell", selector: entity({ integration: DOMAIN, domain: "event", device_class: "doorbell" }) },
      ],
      computeLabel: ({ name }) => texts?.get(`field_${name}`) ?? name,
      computeHelper: ({ name }) =>
        ["lock", "camera", "bell"].includes(name) ? texts?.get("field_of_device") : undefined,
    };
  }

  async _loadTexts() {
    const { language } = this._hass;
    try {
      DoorCard._texts = loadTexts((message) => this._hass.callWS(message), language);
      this._texts = await DoorCard._texts;
    } catch (error) {
      console.warn("ip_intercom: cannot load the texts", error);
    }
    this._update();
  }

  _update() {
    if (this._config === undefined || this._hass === undefined || this._texts === undefined || !this.isConnected) {
      return;
    }
    const { _hass: home, _texts: texts } = this;
    const parts = partsOf(home, this._config);
    this._shown = entityIdsOf(parts);
    this._watch.update(home, parts);
    clearTimeout(this._timer);
    if (this._watch.lasts !== null) {
      this._timer = setTimeout(() => this._update(), this._watch.lasts * 1000);
    }
    const isEmpty = this._shown.length === 0;
    this._hint.hidden = !isEmpty;
    this._view.hidden = isEmpty;
    setText(this._hint, texts.get("choose_device"));
    setText(this._title, parts.name || texts.get("name"));
    this._showChoice();
    const ring = this._watch.ring ?? incomingCall(home, parts);
    this._view.show({ home, texts, parts, ring, isLive: ring !== null, note: this._note(this._watch) });
    this._visitors.show({
      home,
      texts,
      deviceId: parts.deviceId,
      limit: Number(this._config.visitors ?? VISITORS),
      formatTime: (time) => formatTime(home, texts, time),
    });
  }

  /** Return when a visitor rang last, and what became of it. */
  _note({ ring, last }) {
    if (ring !== null || !last) {
      return "";
    }
    const time = formatTime(this._hass, this._texts, last.time);
    const text = this._texts.get("last_ring", { time });
    return last.outcome === null ? text : `${text} – ${this._texts.outcome(last.outcome)}`;
  }

  _showChoice() {
    if (this._texts === undefined) {
      return;
    }
    const isOn = isPopupOn();
    const label = this._texts.get("popup");
    if (this._popup.getAttribute("aria-checked") !== String(isOn)) {
      this._popup.setAttribute("aria-checked", String(isOn));
      this._popup.replaceChildren(icon(isOn ? "bell" : "bell-off"));
    }
    this._popup.setAttribute("aria-label", label);
    this._popup.title = label;
  }
}

/** Suggest the card for an entity of a door. */
function suggest(hass, entityId) {
  const entity = hass.entities[entityId];
  const isPart = entity?.platform === DOMAIN && ["camera", "event", "image", ...DOORS].includes(domainOf(entityId));
  const deviceId = isPart ? deviceOf(hass, { lock: entityId }) : undefined;
  return deviceId === undefined || !doorDevices(hass).includes(deviceId)
    ? null
    : { config: { type: `custom:${TYPE}`, device_id: deviceId } };
}

/** Offer the card in the card picker. */
export function registerCard() {
  define(TYPE, DoorCard);
  window.customCards ??= [];
  if (!window.customCards.some((card) => card.type === TYPE)) {
    window.customCards.push({
      type: TYPE,
      name: "IP Intercom",
      description: "Picture, rings, and opening of a door",
      preview: true,
      documentationURL: "https://github.com/ip-intercom/ip-intercom/blob/main/docs/card.md",
      getEntitySuggestion: suggest,
    });
  }
}
