import pytest

from tests.data import tiny
from tests.scale.cluster import Cluster


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    tiny.build(folder, {"train": tiny.solos(12), "validation": tiny.solos(5)})
    return folder


@pytest.fixture(scope="session")
def alone(data_dir, tmp_path_factory):
    """The workdir of 20 steps of one process with one device."""
    workdir = tmp_path_factory.mktemp("alone")
    with Cluster(data_dir, workdir, count=1) as cluster:
        cluster.succeed()
    return workdir
