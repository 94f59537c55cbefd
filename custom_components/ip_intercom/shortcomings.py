"""What Home Assistant cannot see of a device, as repairs that say what to tick."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import slugify

from .const import DOMAIN
from .model import Missing

# Translation keys by the kind of what is missing.
_SENTENCES = {
    "privilege": "privilege_missing",
    "secure": "https_missing",
    "service": "service_missing",
}


@callback
def async_show_missing(hass: HomeAssistant, entry_id: str, device: str, missing: frozenset[Missing]) -> None:
    """Have one repair for each thing that a device keeps from us, and withdraw those that are mended."""
    wanted = {issue_id(entry_id, item): item for item in missing}
    shown = _shown(hass, entry_id)
    for issue in shown - wanted.keys():
        ir.async_delete_issue(hass, DOMAIN, issue)
    for issue, item in wanted.items():
        if issue in shown:
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue,
            data={"entry_id": entry_id},
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_SENTENCES[item.kind],
            translation_placeholders={"device": device, "name": item.name},
        )


def issue_id(entry_id: str, missing: Missing) -> str:
    """Return the id of the repair for something that is missing."""
    return f"{missing.kind}_{slugify(missing.name)}_{entry_id}"


def _shown(hass: HomeAssistant, entry_id: str) -> set[str]:
    issues = ir.async_get(hass).issues.items()
    return {
        issue for (domain, issue), entry in issues if domain == DOMAIN and entry.active and issue.endswith(entry_id)
    }
