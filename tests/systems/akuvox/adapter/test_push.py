"""Action URLs that a device rejects."""

import pytest

from custom_components.ip_intercom.systems.akuvox.push import AkuvoxPush, Status
from tests.simulators.akuvox.envelope import ApiError, Call, File, Reply
from tests.systems.akuvox.client.conftest import Bench

ADDRESS = "http://192.168.1.5:8123/api/webhook/secret"


@pytest.mark.parametrize("most", [0, 1])
async def test_action_urls_rejected_together_are_written_one_by_one(bench: Bench, most: int) -> None:
    """A device takes no more than ``most`` of them in a request."""
    take, sizes = bench.sim.handlers["config/set"], list[int]()

    def refuse(call: Call) -> Reply | File:
        sizes.append(len(call.data))
        if len(call.data) > most:
            raise ApiError
        return take(call)

    bench.sim.handlers["config/set"] = refuse
    push = AkuvoxPush(bench.device(), lambda _: None, lambda _: None)
    await push.subscribe(ADDRESS, "secret")
    assert sizes[0] > 1
    assert set(sizes[1:]) == {1}
    assert set(push.statuses.values()) == {Status.OURS if most else Status.FAILED}
