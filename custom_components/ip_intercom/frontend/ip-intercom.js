/**
 * The door card and the ring pop-up of IP Intercom.
 *
 * Plain custom elements without a library: Lit is only available through elements of Home Assistant that are private, and
 * that exist only once a dashboard was opened, while the pop-up works on every page. The seams in use are public:
 * `window.hassConnection`, `window.customCards`, the properties that Home Assistant sets on cards, and `hass-more-info`.
 */

import { registerCard } from "./card.js";
import { startPopup } from "./popup.js";

registerCard();
// Without a login there is no connection, and no page to open on.
startPopup().catch((error) => console.debug("ip_intercom: no pop-up", error));
