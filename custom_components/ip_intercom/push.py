"""Following a device's events for as long as its entry is loaded."""

import asyncio
import logging
import random

from .api.errors import AuthenticationFailed, IntercomError
from .coordinator import IntercomCoordinator
from .refusals import RETRY_DELAY

_LOGGER = logging.getLogger(__name__)

# Seconds to wait after the first, second, ... failure; the first may be a mere hiccup.
_BACK_OFF = (0.2, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 10.0, 10.0, 30.0)
_JITTER = 0.2
# Seconds between attempts once a person has been asked for the password: no lock-out by us.
_LOCKED_OUT = 300.0


async def async_follow(coordinator: IntercomCoordinator) -> None:
    """Hand every event of the device to the coordinator, in order, until cancelled."""
    failures = 0
    while True:
        try:
            delivery = await coordinator.system.events()
            await coordinator.async_deliver(delivery)
        except AuthenticationFailed:
            delay = _LOCKED_OUT if coordinator.async_refused() else RETRY_DELAY
        except IntercomError as err:
            delay = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
            failures += 1
            if failures > 1:
                coordinator.async_lost(err)
            _LOGGER.debug("%s: events interrupted: %s", coordinator.name, err)
        except Exception:
            # An event that cannot be understood must not cost all that follow.
            _LOGGER.exception("%s: an event could not be handled", coordinator.name)
            delay = _BACK_OFF[-1]
        else:
            # The first delivery of a channel proves little: it may be closed again at once.
            if not delivery.missed:
                failures = 0
            continue
        await asyncio.sleep(delay * random.uniform(1 - _JITTER, 1 + _JITTER))
