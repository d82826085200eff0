"""Drawn areas: what is inside, and what is no area."""

import pytest

from alerts import areas

SQUARE = [(52.0, 4.0), (52.0, 5.0), (53.0, 5.0), (53.0, 4.0)]
HORSESHOE = [(0.0, 0.0), (0.0, 3.0), (3.0, 3.0), (3.0, 2.0), (1.0, 2.0), (1.0, 1.0), (3.0, 1.0), (3.0, 0.0)]


@pytest.mark.parametrize(
    ("point", "corners", "inside"),
    [
        ((52.5, 4.5), SQUARE, True),
        ((51.9, 4.5), SQUARE, False),
        ((52.5, 5.1), SQUARE, False),
        ((0.5, 1.5), HORSESHOE, True),
        ((2.0, 1.5), HORSESHOE, False),
        ((2.0, 2.5), HORSESHOE, True),
    ],
)
def test_a_point_is_inside_or_not(point, corners, inside):
    assert areas.inside(point, corners) is inside
    assert areas.inside(point, corners[::-1]) is inside


@pytest.mark.parametrize("kilometres", [1, 2, 5])
@pytest.mark.parametrize("latitude", [0.0, 52.37, 68.0])
def test_a_circle_is_as_wide_as_it_says(kilometres, latitude):
    corners = areas.circle((latitude, 4.89), kilometres)
    box = areas.box(corners)
    assert box.north - latitude == pytest.approx(kilometres / areas.KM_PER_DEGREE, rel=0.01)
    near, far = kilometres * 0.95 / areas.KM_PER_DEGREE, kilometres * 1.05 / areas.KM_PER_DEGREE
    assert areas.inside((latitude + near, 4.89), corners)
    assert not areas.inside((latitude + far, 4.89), corners)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "x",
        {},
        [],
        [[52, 4], [52, 5]],
        [[52, 4]] * 5,
        [[52, 4], [52, 5], [53]],
        [[52, 4], [52, 5], [91, 5]],
        [[52, 4], [52, 5], ["53", 5]],
        [[52, 4], [52, 5], [float("nan"), 5]],
        [[52, 4], [52, 5], [True, 5]],
        [[0, 0], [0, 1], [50, 1]],
        [[52 + n / 1000, 4] for n in range(61)],
    ],
)
def test_nonsense_is_no_area(given):
    with pytest.raises(areas.BadArea):
        areas.polygon(given)
