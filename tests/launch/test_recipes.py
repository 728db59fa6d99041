"""The launch recipes, run against programs that only note what they are asked."""

import os
import pathlib
import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from absl import flags

from launch import _processes
from spatialjax.config import validate_tree
from tests.launch.front import read

ROOT = pathlib.Path(__file__).parents[2]
RECIPES = ROOT / "launch" / "recipes"
RESTART, KILLED, UNREACHABLE = _processes.RESTART, 137, 255
WORDS = ["--config=pixels_music", "--workdir=/a  b/c", '--config.name=it\'s "$HOME"\\*']

PYTHON = """#!/bin/bash
printf '%s\\n' "$@" > "$HOME/words"
echo "$JAX_LOCAL_DEVICE_IDS" > "$HOME/gpus"
status=$(head -n 1 "$HOME/statuses"); sed -i 1d "$HOME/statuses"
exit $status
"""
"""It notes its words and takes the first status that is left."""

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
highest=0
for process in 0 1; do
  status=0; "$@" || status=$?
  [ $status -le $highest ] || highest=$status
done
exit $highest
"""
"""Two processes, one after the other."""

GCLOUD = """#!/bin/bash
echo "$*" >> "$HOME/asked"
case "$*" in
  *" list "*) state=$(head -n 1 "$HOME/states"); sed -i 1d "$HOME/states"
    if [ "$state" = ABROKEN ]; then exit 1; fi
    echo "${state%%/*}"; echo "${state#*/}" > "$HOME/node" ;;
  *" describe "*) cat "$HOME/node" ;;
  *"rm -rf spatialjax"*) ;;
  *" ssh "*)
    for host in "$HOME/hosts"/*; do
      status=0
      [ -d "$host/spatialjax" ] && (cd "$host"; bash -c "${!##--command=}") || status=$?
      first=${first:-${status#0}}
    done
    exit ${first:-0} ;;
esac
"""
"""The first host that failed gives the status, as gcloud does it."""


def make_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def write_lines(path, values):
    path.write_text("".join(f"{value}\n" for value in values))


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def run(home, script, *words, **environment):
    """The finished script, with the programs of ``home/bin`` before all others."""
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", script, *words],
        env={"PATH": path, "HOME": str(home), "POLL_S": "0", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def refuses(done, text):
    """Whether the script ended with one line that holds a text, and status 2."""
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    return text in line


@pytest.fixture
def slurm(tmp_path):
    make_program(tmp_path / "bin" / "srun", SRUN)
    make_program(
        tmp_path / "bin" / "scontrol", '#!/bin/bash\necho "$@" > "$HOME/asked"'
    )
    make_program(tmp_path / "bin" / "fake_python", PYTHON)
    return tmp_path


def sbatch(home, *words, **environment):
    told = {"SLURM_JOB_ID": "17", "SLURM_GPUS_ON_NODE": "4", "PYTHON": "fake_python"}
    return run(home, RECIPES / "slurm.sbatch", *words, **(told | environment))


@pytest.mark.parametrize(
    ("statuses", "status", "asked"),
    [
        ((0, 0), 0, []),
        ((RESTART, RESTART), 0, ["requeue 17"]),
        ((KILLED, RESTART), 0, ["requeue 17"]),
        ((RESTART, 2), 2, []),
        ((1, RESTART), 1, []),
        ((143, RESTART), 143, []),
    ],
)
def test_slurm_queues_again_what_the_same_command_continues(
    slurm, statuses, status, asked
):
    write_lines(slurm / "statuses", statuses)
    assert sbatch(slurm, *WORDS).returncode == status
    assert lines(slurm / "asked") == asked
    assert lines(slurm / "words") == ["-m", "launch.train", *WORDS]
    assert lines(slurm / "gpus") == ["0,1,2,3"]


def test_slurm_has_enough_at_last(slurm):
    write_lines(slurm / "statuses", (RESTART, RESTART))
    told = {"SLURM_RESTART_COUNT": "3", "MAX_RESTARTS": "3"}
    assert sbatch(slurm, *WORDS, **told).returncode == RESTART
    assert not lines(slurm / "asked")


def test_slurm_refuses_in_one_line(slurm):
    assert refuses(sbatch(slurm, *WORDS, SLURM_JOB_ID=""), "submit it by sbatch")
    assert refuses(sbatch(slurm, *WORDS, PYTHON="no_such"), "no no_such here")
    assert refuses(sbatch(slurm, "--config=pixels_music"), "--workdir is missing")


def test_slurm_gives_the_run_time_to_save_and_one_process_a_node():
    text = (RECIPES / "slurm.sbatch").read_text()
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", text, re.MULTILINE))
    assert options["ntasks-per-node"] == "1"
    assert options["open-mode"] == "append"
    assert "requeue" in options
    name, _, before_s = options["signal"].partition("@")  # no B: all but the script
    assert (name, int(before_s) >= 300) == ("TERM", True)


@pytest.fixture
def pod(tmp_path):
    make_program(tmp_path / "bin" / "gcloud", GCLOUD)
    for host in ("0", "1"):
        place = tmp_path / "hosts" / host / "spatialjax"
        make_program(place / ".venv" / "bin" / "python", PYTHON)
    return tmp_path


def clone(home):
    """A clone with nothing but the recipe in it, all of it committed."""
    folder = home / "clone"
    shutil.copytree(RECIPES, folder / "launch" / "recipes")
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=a"], check=True)
    return folder


def tpu_pod(home, statuses, states=("ACTIVE/READY",) * 9, flags_before=()):
    write_lines(home / "statuses", statuses)
    write_lines(home / "states", states)
    script = clone(home) / "launch" / "recipes" / "tpu_pod.sh"
    place = ["--name=music", "--zone=z", "--type=v4-16", *flags_before, "--"]
    return run(home, script, *place, *WORDS)


def count(home, text):
    return sum(text in line for line in lines(home / "asked"))


@pytest.mark.parametrize(
    ("statuses", "status", "num_starts"),
    [
        ((0, 0), 0, 1),
        ((RESTART, RESTART, RESTART, RESTART, 0, 0), 0, 3),
        ((KILLED, RESTART, UNREACHABLE, RESTART, 0, 0), 0, 3),
        ((2, 2), 2, 1),
        ((RESTART, 2), 2, 1),
        ((RESTART, 1), 1, 1),
    ],
)
def test_a_pod_starts_again_what_the_same_command_continues(
    pod, statuses, status, num_starts
):
    done = tpu_pod(pod, statuses)
    assert done.returncode == status, done.stderr
    assert not lines(pod / "statuses")
    assert count(pod, "tpu-vm scp music") == 1
    assert done.stderr.count("starting again") == num_starts - 1
    assert lines(pod / "words") == ["-m", "launch.train", *WORDS]


def test_a_pod_has_enough_at_last(pod):
    done = tpu_pod(pod, (RESTART,) * 4, flags_before=["--max_restarts=1"])
    assert done.returncode == RESTART
    assert "started again 1 times" in done.stderr


def test_a_pod_is_asked_for_and_awaited_and_asked_for_again(pod):
    states = ["", "WAITING_FOR_RESOURCES", "ACTIVE/CREATING", "ACTIVE/READY"]
    states += ["ACTIVE/PREEMPTED", "", "ACTIVE/READY"]
    done = tpu_pod(pod, (RESTART, RESTART, 0, 0), states, ["--spot"])
    assert done.returncode == 0, done.stderr
    asked = [line.removeprefix("compute tpus ") for line in lines(pod / "asked")]
    create = (
        "queued-resources create music --zone=z --node-id=music "
        "--accelerator-type=v4-16 --runtime-version=tpu-ubuntu2204-base --spot --quiet"
    )
    assert asked.count(create) == 2
    assert "queued-resources delete music --zone=z --force --quiet" in asked
    assert count(pod, "tpu-vm scp music") == 2


def test_a_pod_that_cannot_be_had_ends_the_script(pod):
    done = tpu_pod(pod, (), ["", "FAILED"])
    assert refuses(done, "the request failed")


def test_a_question_without_an_answer_makes_no_pod(pod):
    assert tpu_pod(pod, (), ["ABROKEN"]).returncode == 1
    assert not count(pod, "create")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--zone=z --type=v4-8 -- --workdir=w", "--name is missing"),
        ("--name=n --type=v4-8 -- --workdir=w", "--zone is missing"),
        ("--name=n --zone=z -- --workdir=w", "--type is missing"),
        ("--name=n --zone=z --type=v9-8 -- --workdir=w", "--runtime is missing"),
        ("--name=n --zone=z --type=v4-8 -- --config=c", "--workdir is missing"),
        ("--name=n --zone=z --workdir=w", "unknown flag --workdir=w"),
        ("--name=n --zone=z --type=v4-8 --max_restarts=x --", "is x, no number"),
    ],
)
def test_a_pod_refuses_in_one_line(pod, words, text):
    assert refuses(run(pod, RECIPES / "tpu_pod.sh", *words.split()), text)
    assert not lines(pod / "asked")


def test_a_pod_gets_no_code_that_is_not_committed(pod):
    script = clone(pod) / "launch" / "recipes" / "tpu_pod.sh"
    script.write_text(script.read_text() + "# changed\n")
    words = ["--name=n", "--zone=z", "--type=v4-8", "--", "--workdir=w"]
    assert refuses(run(pod, script, *words), "commit your changes")


def read_jobset():
    return yaml.safe_load((RECIPES / "jobset.yaml").read_text())


def test_jobset_ends_with_a_mistake_and_starts_all_pods_again_otherwise():
    spec = read_jobset()["spec"]
    (jobs,) = spec["replicatedJobs"]
    job = jobs["template"]["spec"]
    (rule,) = job["podFailurePolicy"]["rules"]
    codes = rule["onExitCodes"]
    assert (rule["action"], codes["operator"], codes["values"]) == (
        "FailJob",
        "In",
        [1, 2],
    )
    assert _processes.RESTART not in codes["values"]
    (policy,) = spec["failurePolicy"]["rules"]
    assert policy["action"] == "FailJobSet"
    assert policy["onJobFailureReasons"] == ["PodFailurePolicy"]
    assert job["backoffLimit"] == 0
    pod_spec = job["template"]["spec"]
    assert pod_spec["restartPolicy"] == "Never"  # a failure policy of pods needs it
    assert codes["containerName"] == pod_spec["containers"][0]["name"]


def test_jobset_starts_what_the_front_understands():
    (container,) = pod_of(read_jobset())["containers"]
    python, module, name, *words = container["command"]
    assert (python, module, name) == ("python", "-m", "launch.train")
    configured = [word for word in words if word.startswith("--config")]
    validate_tree(read(*configured)[0][0])
    (mount,) = container["volumeMounts"]
    (other,) = set(words) - set(configured)
    assert other.startswith(f"--workdir={mount['mountPath']}/")


def pod_of(jobset):
    (jobs,) = jobset["spec"]["replicatedJobs"]
    return jobs["template"]["spec"]["template"]["spec"]


def test_jobset_has_the_hosts_of_its_topology():
    jobset = read_jobset()
    (jobs,) = jobset["spec"]["replicatedJobs"]
    job, pod_spec = jobs["template"]["spec"], pod_of(jobset)
    rows, columns = pod_spec["nodeSelector"]["cloud.google.com/gke-tpu-topology"].split(
        "x"
    )
    chips = pod_spec["containers"][0]["resources"]["limits"]["google.com/tpu"]
    assert job["completions"] == job["parallelism"] == int(rows) * int(columns) // chips
    assert job["completionMode"] == "Indexed"


def test_the_words_for_jobset_on_gpus_are_those_of_this_jobset():
    text = (RECIPES / "jobset.yaml").read_text()
    words = re.findall(r"^#   (--\w+=\S+)$", text, re.MULTILINE)
    values = flags.FlagValues()
    _processes.define_flags(values)
    values(["program", *(w.replace("$(JOB_COMPLETION_INDEX)", "3") for w in words)])
    jobset = read_jobset()
    (jobs,) = jobset["spec"]["replicatedJobs"]
    name = jobset["metadata"]["name"]
    host, _, port = values["coordinator"].value.partition(":")
    assert host == f"{name}-{jobs['name']}-0-0.{name}"
    assert port.isdigit()
    assert values["num_processes"].value == jobs["template"]["spec"]["completions"]
    assert values["process_id"].value == 3


@pytest.mark.parametrize("name", ["Dockerfile", "tpu_pod.sh", "jobset.yaml"])
def test_the_extras_and_locks_that_recipes_name_are_there(name):
    text = (RECIPES / name).read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = re.findall(r"EXTRAS=([\w,]+)|\.\[([\w,]+)\]", text)
    assert extras
    for extra in re.findall(r"\w+", " ".join("".join(found) for found in extras)):
        assert extra in project["optional-dependencies"]
    for lock in re.findall(r"requirements[\w-]*\.lock", text):
        assert (ROOT / lock).exists()
