/** Home Assistant as the pop-up sees it: the entities of this integration, without the objects of a dashboard. */

import { DOMAIN, domainOf } from "./parts.js";

const DOMAINS = new Set(["binary_sensor", "button", "camera", "cover", "event", "image", "lock", "sensor"]);
// Milliseconds in which changes of the registries are collected.
const COLLECT = 500;

/** Return a promise of the connection that Home Assistant's frontend uses. */
export async function connection() {
  // The frontend may not have started to connect yet; it calls this function then.
  const { conn } = await (window.hassConnection ??
    new Promise((resolve) => {
      const other = window.hassConnectionReady;
      window.hassConnectionReady = (ready) => {
        other?.(ready);
        resolve(ready);
      };
    }));
  return conn;
}

/** States, entities, and devices, with the names that they have in the `hass` object of a card. */
export class Home {
  states = {};
  entities = {};
  devices = {};

  constructor(conn, listener) {
    this.connection = conn;
    this._listener = listener;
    this._cancels = [];
  }

  get language() {
    return document.documentElement.lang || navigator.language;
  }

  callWS(message) {
    return this.connection.sendMessagePromise(message);
  }

  callService(domain, service, data, target) {
    return this.callWS({ type: "call_service", domain, service, service_data: data, target });
  }

  /** Follow the states until `stop`. */
  async start() {
    const collect = () => {
      this._timer ??= setTimeout(() => {
        this._timer = undefined;
        this._load().catch((error) => console.warn("ip_intercom: cannot read the entities", error));
      }, COLLECT);
    };
    const reset = () => {
      this.states = {}; // the new connection sends all of them
      collect();
    };
    this.connection.addEventListener("ready", reset);
    this._cancels.push(() => this.connection.removeEventListener("ready", reset));
    for (const registry of ["entity_registry_updated", "device_registry_updated"]) {
      this._cancels.push(await this.connection.subscribeEvents(collect, registry));
    }
    await this._load();
  }

  /** Stop to follow the states. */
  stop() {
    this._stopped = true;
    clearTimeout(this._timer);
    for (const cancel of [...this._cancels, this._cancelStates ?? (() => {})]) {
      cancel();
    }
    this._cancels = [];
  }

  async _load() {
    const [{ entities }, devices] = await Promise.all([
      this.callWS({ type: "config/entity_registry/list_for_display" }),
      this.callWS({ type: "config/device_registry/list" }),
    ]);
    const own = entities.filter((entity) => entity.pl === DOMAIN && DOMAINS.has(domainOf(entity.ei)));
    this.entities = Object.fromEntries(
      own.map((entity) => [
        entity.ei,
        {
          entity_id: entity.ei,
          device_id: entity.di,
          platform: entity.pl,
          translation_key: entity.tk,
          name: entity.en,
          hidden: entity.hb === true,
        },
      ]),
    );
    this.devices = Object.fromEntries(devices.map((device) => [device.id, device]));
    await this._follow(Object.keys(this.entities).sort());
    this._listener();
  }

  async _follow(entityIds) {
    const key = entityIds.join();
    if (key === this._followed || this._stopped) {
      return;
    }
    this._followed = key;
    const previous = this._cancelStates;
    // Without ids, Home Assistant would send the states of all entities.
    this._cancelStates =
      entityIds.length === 0
        ? undefined
        : await this.connection.subscribeMessage((event) => this._update(event), {
            type: "subscribe_entities",
            entity_ids: entityIds,
          });
    previous?.();
    if (this._stopped) {
      this._cancelStates?.();
    }
  }

  /** Apply a message of `subscribe_entities`: added, changed, and removed states in short form. */
  _update({ a: added = {}, c: changed = {}, r: removed = [] }) {
    const time = (value) => new Date(value * 1000).toISOString();
    const states = { ...this.states };
    for (const [entityId, state] of Object.entries(added)) {
      states[entityId] = {
        entity_id: entityId,
        state: state.s,
        attributes: state.a,
        last_changed: time(state.lc),
      };
    }
    for (const [entityId, { "+": more = {}, "-": less = {} }] of Object.entries(changed)) {
      const before = states[entityId];
      if (before === undefined) {
        continue; // a change of the subscription before this one
      }
      const attributes = { ...before.attributes, ...more.a };
      for (const name of less.a ?? []) {
        delete attributes[name];
      }
      states[entityId] = {
        ...before,
        attributes,
        state: more.s ?? before.state,
        last_changed: more.lc === undefined ? before.last_changed : time(more.lc),
      };
    }
    for (const entityId of removed) {
      delete states[entityId];
    }
    this.states = states;
    this._listener();
  }
}
