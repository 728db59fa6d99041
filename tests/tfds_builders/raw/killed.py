"""A preprocessing that dies, and is run again: ``... killed SOURCE FOLDER``.

Forked from this process, it kills itself before the n-th time that it opens, renames or
removes something below its output, for n from 1 on until it survives.
"""

import os
import pathlib
import signal
import sys

from tests.tfds_builders.raw.videos import files_of
from tfds_builders.raw.preprocess import preprocess

EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")


def run(source, output, fatal=None):
    """Whether a run in a process of its own lived to its end."""
    child = os.fork()
    if child == 0:
        if fatal is not None:
            die_at(fatal, str(output))
        preprocess(source, output, num_workers=0, max_missing=0.5)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status:
        raise SystemExit(f"the run failed with status {status}")
    return True


def die_at(fatal, output):
    count = 0

    def watch(event, args):
        nonlocal count
        if event in EVENTS and args and str(args[0]).startswith(output):
            count += 1
            if count == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def main(source, folder):
    folder = pathlib.Path(folder)
    run(source, folder / "whole")
    expected = files_of(folder / "whole")
    fatal = 1
    while not run(source, output := folder / f"killed{fatal}", fatal):
        for name in files_of(output):
            if name.startswith("audio"):
                frames = name.replace("audio", "frames").replace(".wav", ".mp4")
                clip = {n: c for n, c in expected.items() if n.startswith(frames)}
                found = files_of(output / frames)
                if found != {n[len(frames) + 1 :]: c for n, c in clip.items()}:
                    raise SystemExit(f"{name} is there, but its images are not")
        run(source, output)
        if files_of(output) != expected:
            raise SystemExit(f"killed at {fatal} and run again, the bytes differ")
        fatal += 1
    print(fatal)


if __name__ == "__main__":
    main(*sys.argv[1:])
