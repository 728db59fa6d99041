"""What a user of the programs does: own recordings, a config file, command lines."""

import contextlib
import io
import json
import pathlib
import re
import subprocess
import sys

from absl import flags

from launch import _app
from tests.launch.programs import program
from tests.media.make import number_picture, tone, write_images, write_sound
from tests.media.make import write_video as write_mp4

ROOT = pathlib.Path(__file__).parents[2]
RATE_HZ = 4000
CONFIG = """
from spatialjax.data import DataConfig
from spatialjax.evaluation import EvaluationConfig
from spatialjax.models import FrameNet
from spatialjax.tasks import PixelsConfig
from spatialjax.training import Experiment, ParallelConfig, TrainingConfig
from spatialjax.vision import Standardisation


def get_config():
    return Experiment(
        name="own_clips",
        task=PixelsConfig(
            num_samples=1023,
            sample_rate_hz=4000,
            num_images=2,
            image_size=16,
            standardisation=Standardisation.PER_IMAGE,
            n_fft=254,
            hop=128,
            log_frequency_rows=32,
            num_channels=4,
            sound_downs=3,
            sound_width=4,
            frame_net=FrameNet.SMALL,
            frame_widths=(4, 8),
        ),
        data=DataConfig(
            dataset="av_clips",
            batch_size=8,
            image_spacing_s=0.25,
            centre_margin_s=0.2,
            class_distinct=True,
            num_threads=0,
        ),
        training=TrainingConfig(num_steps=4, log_every_steps=2),
        parallel=ParallelConfig(num_devices=1),
        evaluation=EvaluationConfig(num_pairs=3, batch_size=4, num_bootstrap=50),
    )
"""
PROGRESS = re.compile(
    r"\w+: +\d+%\|.*"  # the bar of a build
    r"|Pixels: [\d,]+ parameters, .*"
    r"|step \d+(/\d+)?  (loss|validation)  ?.*"
)
"""Lines on stderr that tell of work under way, and of nothing else."""


def write_clip(root, label, number, kind, seconds=1.5):
    """One recording in a published format; its row of an index csv.

    Args:
      root: gets ``audio/label`` and ``frames/label``.
      label: the class.
      number: of the clip; gives it its pitch.
      kind: "mp3+jpg" or "wav+mp4".
      seconds: duration.
    """
    suffix = kind[:3]
    audio = root / "audio" / label / f"{number:011d}.{suffix}"
    frames = root / "frames" / label / f"{number:011d}.mp4"
    audio.parent.mkdir(parents=True, exist_ok=True)
    frames.parent.mkdir(parents=True, exist_ok=True)
    write_sound(audio, tone(seconds, 22050, 200.0 + 40 * number), 22050)
    pictures = [number_picture(16 * number + i) for i in range(int(8 * seconds))]
    if kind == "mp3+jpg":
        write_images(frames, pictures)
    else:
        write_mp4(frames, pictures, 8)
    return f"{audio},{frames},{len(pictures)}"


def write_index(root, clips):
    """``train.csv`` and ``val.csv`` of clips of one kind each: (split, kind, label)."""
    rows = {"train": [], "val": []}
    for number, (split, kind, label) in enumerate(clips):
        rows[split].append(write_clip(root, label, number, kind))
    for split, lines in rows.items():
        (root / f"{split}.csv").write_text("".join(f"{line}\n" for line in lines))
    return root


def write_config(folder):
    """The config file of a tiny separator; the flag that names it."""
    path = folder / "own.py"
    path.write_text(CONFIG)
    return f"--config={path}"


def call(name, *words):
    """A program in this process, told and answering as a process of its own."""
    words = [str(word) for word in words]
    about_config = [bool(re.match(r"--(no)?config\b", word)) for word in words]
    for_config = [
        word for word, is_so in zip(words, about_config, strict=True) if is_so
    ]
    others = [word for word in words if word not in for_config]
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            with program(name) as module, _app.one_line(name):
                given = _app.read_flags([name, *others], flags.FLAGS)
                if name == "train":
                    argv, values = [name, *for_config], flags.FlagValues()
                    _app.define_flags(argv, values, config_flag=True, uses_jax=False)
                    given = _app.read_flags(argv, values)
                module.main(*given)
        except SystemExit as stop:
            status = stop.code
    return subprocess.CompletedProcess(
        [name, *words], status, out.getvalue(), err.getvalue()
    )


def spawn(name, *words, file_limit=None):
    """A program in a process of its own, in which files may have `file_limit` bytes."""
    start = [sys.executable, "-m", f"launch.{name}"]
    if file_limit is not None:
        code = (
            "import resource, runpy, sys;"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file_limit},) * 2);"
            f"sys.argv[0] = '{name}';"
            f"runpy.run_module('launch.{name}', run_name='__main__')"
        )
        start = [sys.executable, "-c", code]
    return subprocess.run(
        [*start, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def lines_of(done):
    """The lines on stderr that do not only tell of progress."""
    lines = re.split(r"[\r\n]+", done.stderr)
    return [line for line in lines if line and not PROGRESS.fullmatch(line)]


def the_line(done):
    """The one line that a mistake of the user gives, without the program's name."""
    assert done.returncode == 2, done.stderr
    lines = lines_of(done)
    assert len(lines) == 1, done.stderr
    name, _, text = lines[0].partition(": ")
    assert re.fullmatch(r"build_dataset|train|evaluate|compare|demo", name)
    assert "Traceback" not in done.stderr
    return text


def files_of(folder):
    """The bytes of every file below a folder, by its path; {} where there is none."""
    paths = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def check_whole(folder):
    """No file below a folder is unfinished: none temporary, all JSON complete."""
    for name, content in files_of(folder).items():
        assert "tmp" not in name, name
        hidden = [p for p in pathlib.Path(name).parts if p.startswith(".")]
        assert hidden in ([], [".spatialjax"]), name
        if name.endswith(".json"):
            json.loads(content)
        if name.endswith(".jsonl"):
            assert not content or content.endswith(b"\n"), name
            for line in content.splitlines():
                json.loads(line)
