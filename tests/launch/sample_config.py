"""An experiment for the tests of the front."""

from tests.config.trees import Experiment


def get_config():
    return Experiment()
