"""Large parameters: what a `blob-` part of a request brought (HTTP API 2.2)."""

from collections.abc import Mapping

from tests.simulators.common.blob import KIB, MIB, Limit

PREFIX = "blob-"

# Of a firmware only the header is looked at. The other limits are guesses; a BMP for 1280 x 800 pixels must fit.
LIMITS: Mapping[str, Limit] = {
    "blob-fw": Limit(KIB, 256 * MIB),
    "blob-cfg": Limit(8 * MIB, 8 * MIB),
    "blob-json": Limit(64 * KIB, 64 * KIB),
    "blob-image": Limit(4 * MIB, 4 * MIB),
    "blob-video": Limit(8 * MIB, 8 * MIB),
}
