/** A Home Assistant of one page: what the door card and the pop-up use, with a record of what they ask for. */

const CLOCK = "2026-11-30T08:00:00.000Z";
const short = (state) => ({
  s: state.state,
  a: state.attributes,
  lc: Date.parse(state.last_changed) / 1000,
});

export class FakeHome {
  calls = [];
  subscriptions = [];
  refusal = null;
  twoWayAudio = false;
  visitors = null;
  ready = new Set();
  visitorsRefusal = "unknown_command";

  constructor({ language, translations, entities, devices, states }) {
    this.translations = translations;
    this.entities = entities;
    this.devices = devices;
    this.states = {};
    this.language = language;
    this.listeners = new Set();
    document.documentElement.lang = language;
    for (const [entityId, [state, attributes]] of Object.entries(states)) {
      this.states[entityId] = { entity_id: entityId, state, attributes, last_changed: CLOCK };
    }
    const connection = this;
    window.hassConnection = Promise.resolve({ auth: {}, conn: connection });
  }

  /** The object that a dashboard sets on cards. */
  get hass() {
    return {
      states: this.states,
      entities: this.entities,
      devices: this.devices,
      language: this.language,
      locale: { language: this.language, time_format: "24", time_zone: "local" },
      config: { time_zone: "UTC" },
      connection: this,
      callWS: (message) => this.sendMessagePromise(message),
      callService: (domain, service, data, target) =>
        this.sendMessagePromise({ type: "call_service", domain, service, service_data: data, target }),
    };
  }

  /** Change a state; an event happens `ago` seconds before now. */
  set(entityId, state, attributes = {}, changed = new Date().toISOString()) {
    const before = this.states[entityId];
    const next = {
      entity_id: entityId,
      state,
      attributes: { ...before.attributes, ...attributes },
      last_changed: changed,
    };
    this.states = { ...this.states, [entityId]: next };
    const { s, a, lc } = short(next);
    for (const { message, callback } of this.subscriptions) {
      if (message.type === "subscribe_entities" && message.entity_ids.includes(entityId)) {
        callback({ c: { [entityId]: { "+": { s, a, lc } } } });
      }
    }
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** Let an event entity tell an event now. */
  event(entityId, eventType, attributes = {}) {
    this.set(entityId, new Date().toISOString(), { event_type: eventType, ...attributes });
  }

  async sendMessagePromise(message) {
    switch (message.type) {
      case "frontend/get_translations":
        return { resources: this.translations[message.category] };
      case "config/entity_registry/list_for_display":
        return {
          entities: Object.values(this.entities).map((entity) => ({
            ei: entity.entity_id,
            di: entity.device_id,
            pl: entity.platform,
            tk: entity.translation_key,
            en: entity.name,
          })),
        };
      case "config/device_registry/list":
        return Object.values(this.devices);
      case "camera/capabilities":
        return { frontend_stream_types: ["web_rtc"], two_way_audio: this.twoWayAudio };
      case "call_service":
        this.calls.push(`${message.domain}.${message.service} ${message.target.entity_id}`);
        if (this.refusal !== null) {
          throw { code: "home_assistant_error", message: this.refusal };
        }
        return {};
      default:
        throw { code: "unknown_command", message: "Unknown command." };
    }
  }

  async subscribeMessage(callback, message, options) {
    if (message.type === "ip_intercom/visitors/subscribe" && this.visitors === null) {
      throw { code: this.visitorsRefusal, message: "No visitors" };
    }
    const subscription = { callback, message, options };
    this.subscriptions.push(subscription);
    if (message.type === "subscribe_entities") {
      callback({ a: Object.fromEntries(message.entity_ids.map((id) => [id, short(this.states[id])])) });
    } else if (message.type !== "subscribe_events") {
      callback({ visitors: this.visitors });
    }
    return () => {
      this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
    };
  }

  async subscribeEvents(callback, type) {
    return this.subscribeMessage(callback, { type: "subscribe_events", event_type: type, entity_ids: [] });
  }

  addEventListener(type, listener) {
    this.ready.add(listener);
  }

  removeEventListener(type, listener) {
    this.ready.delete(listener);
  }

  /** Lose the connection, which ends the subscriptions that the module starts again by itself, and connect again. */
  reconnect() {
    this.subscriptions = this.subscriptions.filter(({ options }) => options?.resubscribe !== false);
    for (const listener of [...this.ready]) {
      listener();
    }
    for (const { callback, message } of this.subscriptions) {
      if (message.type === "subscribe_entities") {
        callback({ a: Object.fromEntries(message.entity_ids.map((id) => [id, short(this.states[id])])) });
      }
    }
  }

  /** Put a card on the page, as a dashboard does. */
  addCard(config) {
    const card = document.createElement("ip-intercom-door");
    card.setConfig(config);
    card.hass = this.hass;
    document.querySelector("main").append(card);
    this.listeners.add(() => {
      card.hass = this.hass;
    });
    return card;
  }
}
