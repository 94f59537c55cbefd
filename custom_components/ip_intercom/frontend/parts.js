/** The entities of a door, found by device, domain, and translation key. */

export const DOMAIN = "ip_intercom";
/** The domains of doors: locks, and covers for gates and garage doors. */
export const DOORS = ["lock", "cover"];
const SUPPORTS_OPEN = 1; // of a lock
const SUPPORTS_STREAM = 2; // of a camera

const list = (value) => (value === undefined || value === null || value === "" ? [] : [value].flat());

/** Return the domain of an entity id. */
export const domainOf = (entityId) => entityId.split(".", 1)[0];

const isBell = (entity) => domainOf(entity.entity_id) === "event" && /^bell(_|$)/.test(entity.translation_key ?? "");

/** Return the ids of the devices with a bell; those with a door or a camera come first. */
export function doorDevices(home) {
  const own = Object.values(home.entities).filter((entity) => entity.platform === DOMAIN);
  const devices = Map.groupBy(own, (entity) => entity.device_id);
  const rank = (deviceId) => {
    const domains = devices.get(deviceId).map((entity) => domainOf(entity.entity_id));
    return Number(domains.some((domain) => DOORS.includes(domain))) + Number(domains.includes("camera"));
  };
  const ranks = new Map(
    [...devices].filter(([, entities]) => entities.some(isBell)).map(([deviceId]) => [deviceId, rank(deviceId)]),
  );
  return [...ranks.keys()].sort((one, other) => ranks.get(other) - ranks.get(one));
}

/** Return the device of a configuration, which may name it only through its entities. */
export function deviceOf(home, config) {
  const named = [...list(config.bell), ...list(config.camera), ...list(config.lock)];
  return config.device_id ?? named.map((entityId) => home.entities[entityId]?.device_id).find((id) => id);
}

/** Return the entities of a door: those in `config`, and otherwise those of its device. */
export function partsOf(home, config) {
  const deviceId = deviceOf(home, config);
  const own = Object.values(home.entities).filter(
    (entity) => entity.platform === DOMAIN && entity.device_id === deviceId && !entity.hidden,
  );
  const find = (domain, ...keys) =>
    own
      .filter((entity) => domainOf(entity.entity_id) === domain)
      .filter((entity) => keys.length === 0 || keys.some((key) => (entity.translation_key ?? "").startsWith(key)))
      .map((entity) => entity.entity_id);
  // Calls may belong to the account or exchange above the device.
  const above = (domain, key) => {
    for (let id = deviceId; id; id = home.devices[id]?.via_device_id) {
      const found = Object.values(home.entities).find(
        (entity) =>
          entity.platform === DOMAIN &&
          entity.device_id === id &&
          !entity.hidden &&
          domainOf(entity.entity_id) === domain &&
          (entity.translation_key ?? "").startsWith(key),
      );
      if (found !== undefined) {
        return found.entity_id;
      }
    }
    return undefined;
  };
  const chosen = (key, found) => (list(config[key]).length > 0 ? list(config[key]) : found);
  const bells = chosen("bell", own.filter(isBell).map((entity) => entity.entity_id));
  return {
    deviceId,
    name: config.name || home.devices[deviceId]?.name_by_user || home.devices[deviceId]?.name || "",
    doors: chosen("lock", DOORS.flatMap((domain) => find(domain))),
    camera: chosen("camera", [...find("camera"), ...find("image", "last_visitor")])[0],
    bells,
    visitor: find("event", "visitor")[0],
    ringing: find("binary_sensor", "ringing"),
    call: above("sensor", "call_state"),
    answer: above("button", "answer"),
    hangUp: above("button", "hang_up"),
  };
}

/** Return the ids of all entities of a door. */
export function entityIdsOf({ doors, camera, bells, visitor, ringing, call, answer, hangUp }) {
  return [...doors, ...bells, ...ringing, camera, visitor, call, answer, hangUp].filter(Boolean);
}

/** Return the state of an entity; undefined if it is missing or unavailable. */
export function available(home, entityId) {
  const state = home.states[entityId];
  return state === undefined || state.state === "unavailable" ? undefined : state;
}

/** Return the name of an entity within its device. */
export function shortName(home, entityId) {
  return home.entities[entityId]?.name || home.states[entityId]?.attributes.friendly_name || entityId;
}

/** Open a door once. */
export function openDoor(home, entityId) {
  if (domainOf(entityId) === "cover") {
    return home.callService("cover", "open_cover", {}, { entity_id: entityId }, false);
  }
  const features = home.states[entityId]?.attributes.supported_features ?? 0;
  return home.callService("lock", features & SUPPORTS_OPEN ? "open" : "unlock", {}, { entity_id: entityId }, false);
}

/** Press a button. */
export function pressButton(home, entityId) {
  return home.callService("button", "press", {}, { entity_id: entityId }, false);
}

/** Return whether the user can talk through a camera: where its stream has audio in both directions. */
export async function canTalk(home, entityId) {
  const camera = entityId && domainOf(entityId) === "camera" ? available(home, entityId) : undefined;
  if (camera === undefined || !(camera.attributes.supported_features & SUPPORTS_STREAM)) {
    return false;
  }
  const capabilities = await home.callWS({ type: "camera/capabilities", entity_id: entityId });
  return capabilities.two_way_audio === true;
}
