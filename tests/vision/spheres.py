"""Pictures of the sphere whose colour in each direction is known."""

import numpy as np


def smooth(direction):
    """Three smooth colours [..., 3] in 0 .. 255 of directions [..., 3]."""
    x, y, z = np.moveaxis(np.asarray(direction, np.float64), -1, 0)
    colours = [
        np.sin(3 * x + y) * np.cos(2 * z),
        np.sin(2 * y - z) + 0.3 * x,
        x * y + z - x * z,
    ]
    return 127.5 + 60 * np.stack(colours, -1)


def psnr_db(given, expected):
    error = np.asarray(given, np.float64) - expected
    return 10 * np.log10(255**2 / np.mean(error**2))


def rotation(yaw_rad, pitch_rad, roll_rad):
    """Rz(yaw) Ry(-pitch) Rx(roll), written out by NumPy."""

    def about(axis, angle_rad):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        matrix = np.eye(3)
        matrix[[i, j], [i, j]] = np.cos(angle_rad)
        matrix[i, j], matrix[j, i] = -np.sin(angle_rad), np.sin(angle_rad)
        return matrix

    return about(2, yaw_rad) @ about(1, -pitch_rad) @ about(0, roll_rad)
