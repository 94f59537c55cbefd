"""Who has the device's web page open: services, accounts, switches, modules, licences."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, override

from .config import Auth, Connection, Privilege, Service, ServiceConfig
from .hands import Hands


class Installer(Hands):
    """A device whose settings change while it runs. Each method is a verb of the control port as well."""

    services: dict[Service, ServiceConfig]

    def change_password(self, account: str, password: str) -> None:
        """Change a password."""
        self.accounts[account] = replace(self.accounts[account], password=password)

    def grant(self, account: str, privilege: Privilege | str) -> None:
        """Tick boxes of an account."""
        old = self.accounts[account]
        self.accounts[account] = replace(old, privileges=old.privileges | _privilege(privilege))

    def revoke(self, account: str, privilege: Privilege | str) -> None:
        """Clear boxes of an account."""
        old = self.accounts[account]
        self.accounts[account] = replace(old, privileges=old.privileges & ~_privilege(privilege))

    def _set_service(self, service: Service | str, **changes: Any) -> None:
        key = Service(service)
        self.services[key] = replace(self.services[key], **changes)

    def disable(self, service: Service | str) -> None:
        """Untick a service."""
        self._set_service(service, enabled=False)

    def enable(self, service: Service | str) -> None:
        """Tick a service."""
        self._set_service(service, enabled=True)

    def require_tls(self, service: Service | str, required: bool = True) -> None:
        """Set the connection type of a service."""
        self._set_service(service, connection=Connection.TLS if required else Connection.TCP)

    def set_auth(self, service: Service | str, auth: Auth | str) -> None:
        """Set the authentication of a service."""
        self._set_service(service, auth=Auth(auth))

    def take_licence(self, function: str) -> None:
        """Let a function, or a group of them, answer code 1 (captures/errors.json: function not licensed)."""
        self.lacks.add(function)
        self.log.record("CapabilitiesChanged", {})

    def give_licence(self, function: str) -> None:
        """Let it work again."""
        self.lacks.discard(function)
        self.log.record("CapabilitiesChanged", {})

    def configure_switch(self, number: int, **changes: Any) -> None:
        """Change `enabled`, `mode`, `duration` or `type` of a switch."""
        switched = self._switches.configure(number, **changes)
        self._configured()
        if switched:
            self.log.record("CapabilitiesChanged", {})
            enabled = self.switches[number].spec.enabled
            self.log.record("SwitchOperationChanged", {"switch": number, "enabled": enabled})

    def plug_module(self, name: str, kind: str) -> None:
        """Plug a module of kind `io` or `display` in."""
        self.modules.plug(name, kind)

    def unplug_module(self, name: str) -> None:
        """Pull a module out."""
        self.modules.unplug(name)

    def rename_entry(self, entry: str, new_name: str) -> None:
        """Rename an entry of the directory, given by uuid or name."""
        self.directory.rename(entry, new_name)

    def disable_access_point(self, ap: int, disabled: bool = True) -> None:
        """Take an access point (0 entry, 1 exit) out of service, or back."""
        self._access.all[ap].enabled = not disabled
        self._configured()

    def set_triggers(self, triggers: Iterable[str]) -> None:
        """Say which HttpTrigger blocks Automation has."""
        self.automation.triggers = set(triggers)

    def automatic_time(self, automatic: bool = True) -> None:
        """Tick or clear *Use Time from Internet*."""
        self.system.take_time_from_network(automatic)
        self._configured()

    def factory_reset(self) -> None:
        """Reset the device at once."""
        self._factory_reset()

    @override
    def _factory_reset(self) -> None:
        super()._factory_reset()
        self.services.update((service, ServiceConfig()) for service in Service)


def _privilege(value: Privilege | str) -> Privilege:
    return value if isinstance(value, Privilege) else Privilege.parse(value)
