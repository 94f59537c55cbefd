"""The door card and the ring pop-up in Home Assistant's frontend: a JavaScript module that every page loads."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

FOLDER = Path(__file__).parents[1] / "frontend"
_MODULE = "ip-intercom.js"


@dataclass(slots=True)
class _Module:
    url: str
    is_loaded: bool = False


_KEY: HassKey[_Module] = HassKey(f"{DOMAIN}_frontend")


def _hash_files() -> str:
    """Return a hash of the names and contents of all files, which browsers keep for a month."""
    content = sha256()
    for path in sorted(FOLDER.glob("*.js")):
        content.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return content.hexdigest()[:12]


async def async_serve_module(hass: HomeAssistant) -> None:
    """Serve the files below an address that changes with their content; they contain nothing secret."""
    address = f"/{DOMAIN}/{await hass.async_add_executor_job(_hash_files)}"
    await hass.http.async_register_static_paths([StaticPathConfig(address, str(FOLDER))])
    hass.data[_KEY] = _Module(f"{address}/{_MODULE}")


@callback
def async_load_module(hass: HomeAssistant) -> None:
    """Make all pages load the module, if Home Assistant has a frontend; open pages load it at once."""
    module = hass.data[_KEY]
    if module.is_loaded or "frontend" not in hass.config.components:
        return
    from homeassistant.components.frontend import add_extra_js_url  # noqa: PLC0415  # needs libraries of its own

    add_extra_js_url(hass, module.url)
    module.is_loaded = True


@callback
def async_unload_module(hass: HomeAssistant) -> None:
    """Make pages no longer load the module; those that are open keep it, without entities."""
    module = hass.data.get(_KEY)
    if module is None or not module.is_loaded:
        return
    from homeassistant.components.frontend import remove_extra_js_url  # noqa: PLC0415  # see above

    remove_extra_js_url(hass, module.url)
    module.is_loaded = False
