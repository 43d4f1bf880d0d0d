"""Waves: how many devices, and which."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rollout_plan import Plan, Wave
from domain.rollout_waves import draw_waves, members_digest, wave_sizes

WAVES = st.lists(
    st.builds(Wave, share=st.floats(0.001, 1)) | st.builds(Wave, count=st.integers(1, 500)),
    min_size=1,
    max_size=10,
)


@pytest.mark.parametrize(
    ("waves", "devices", "sizes"),
    [
        (Plan().waves, 1_000, (200, 800)),
        (Plan().waves, 4, (1, 3)),
        (Plan().waves, 1, (1, 0)),
        ((Wave(share=0.1), Wave(share=0.3), Wave(share=1)), 30, (3, 9, 18)),
        ((Wave(count=1), Wave(count=10), Wave(share=0.1)), 8, (1, 7, 0)),
        ((Wave(share=0.7), Wave(share=0.7), Wave(share=1)), 10, (7, 3, 0)),
        ((Wave(count=5),), 40, (40,)),
    ],
)
def test_a_share_is_of_all_devices_and_the_last_wave_takes_the_rest(
    waves: tuple[Wave, ...], devices: int, sizes: tuple[int, ...]
) -> None:
    assert wave_sizes(waves, devices) == sizes


@given(WAVES, st.integers(1, 3_000))
def test_every_device_has_a_place_and_the_first_wave_has_a_device(
    waves: list[Wave], devices: int
) -> None:
    sizes = wave_sizes(waves, devices)
    assert (len(sizes), sum(sizes)) == (len(waves), devices)
    assert sizes[0] >= 1
    assert min(sizes) >= 0


@given(st.sets(st.uuids(), min_size=1, max_size=60), WAVES, st.uuids(), st.randoms())
def test_each_device_is_in_one_wave_in_whatever_order_they_are_given(
    devices: set[UUID], waves: list[Wave], rollout: UUID, random: object
) -> None:
    ordered = sorted(devices)
    random.shuffle(ordered)  # type: ignore[attr-defined]
    sizes = wave_sizes(waves, len(devices))
    drawn = draw_waves(rollout, ordered, sizes)
    assert sorted(id for wave in drawn for id in wave) == sorted(devices)
    assert tuple(map(len, drawn)) == sizes
    assert draw_waves(rollout, devices, sizes) == drawn
    assert members_digest(ordered) == members_digest(devices)


def test_another_rollout_begins_with_other_devices() -> None:
    devices = [uuid4() for _ in range(200)]
    first = {draw_waves(uuid4(), devices, (20, 180))[0] for _ in range(5)}
    assert len(first) == 5


def test_places_that_are_not_as_many_as_devices_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="3 places in the waves for 1 devices"):
        draw_waves(uuid4(), [uuid4()], (1, 2))
