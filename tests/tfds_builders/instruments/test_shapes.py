import numpy as np
import pytest

from tfds_builders.instruments import CLASSES, Pose, figure


@pytest.mark.parametrize("name", CLASSES)
def test_every_silhouette_moves_within_itself(name):
    still = np.concatenate([xy for _, xy in figure(name, Pose(0.0, -1.0, -1.0))])
    moved = np.concatenate([xy for _, xy in figure(name, Pose(1.0, 1.0, 1.0))])
    assert np.abs(still - moved).max() > 0.1
    assert np.abs(still).max() < 1.6
