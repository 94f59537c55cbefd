/** Texts in the language of the user: those of the integration, as Home Assistant translates them. */

const DOMAIN = "ip_intercom";
const SHARED = "common.card_";
const loaded = new Map();

/** The texts in one language. */
export class Texts {
  constructor(language, resources) {
    this.language = language;
    this._resources = resources;
  }

  /** Return a text of the card with its placeholders filled. */
  get(key, placeholders = {}) {
    return this._resource(SHARED + key).replace(/\{(\w+)\}/g, (match, name) => placeholders[name] ?? match);
  }

  /** Return the name of an entity by domain and translation key. */
  entity(domain, key) {
    return this._resource(`entity.${domain}.${key}.name`);
  }

  /** Return what became of a visitor. */
  outcome(outcome) {
    return this._resource(`entity.event.visitor.state_attributes.event_type.state.${outcome}`);
  }

  _resource(path) {
    return this._resources[`component.${DOMAIN}.${path}`] ?? "";
  }
}

/** Return a promise of the texts in a language; `callWS` sends a command to Home Assistant. */
export function loadTexts(callWS, language) {
  if (!loaded.has(language)) {
    const texts = Promise.all(
      ["common", "entity"].map((category) =>
        callWS({ type: "frontend/get_translations", language, category, integration: [DOMAIN] }),
      ),
    ).then((answers) => new Texts(language, Object.assign({}, ...answers.map((answer) => answer.resources))));
    texts.catch(() => loaded.delete(language)); // the connection was lost: the next call tries again
    loaded.set(language, texts);
  }
  return loaded.get(language);
}
