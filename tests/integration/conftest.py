"""A dataset of own clips and a run on it, shared by the tests of bad input."""

from types import SimpleNamespace

import pytest

from tests.integration.user import RATE_HZ, call, write_config, write_index

CLIPS = [(split, "mp3+jpg", label) for split in ("train", "val") for label in "cdt"]


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """Folders source, data_dir and run (trained for 4 steps), and the flags of it."""
    folder = tmp_path_factory.mktemp("own")
    found = SimpleNamespace(
        source=folder / "source", data_dir=folder / "data", run=folder / "run"
    )
    found.source.mkdir()
    write_index(found.source, CLIPS)
    found.train = (write_config(folder), f"--config.data.data_dir={found.data_dir}")
    found.build = (
        "--dataset=av_clips",
        f"--source={found.source}",
        f"--sample_rate_hz={RATE_HZ}",
        "--num_workers=0",
    )
    built = call("build_dataset", *found.build, f"--data_dir={found.data_dir}")
    assert built.returncode == 0, built.stderr
    trained = call("train", *found.train, f"--workdir={found.run}")
    assert trained.returncode == 0, trained.stderr
    return found
