"""Build a dataset: it appears in its folder whole, or not at all."""

import contextlib
import importlib
import io
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow_datasets as tfds

from spatialjax.errors import DataError, nearest
from spatialjax.media import local_path
from tfds_builders.builder import SegmentBuilder
from tfds_builders.workplace import workplace

BUILDERS = {
    "ambix_video": "tfds_builders.ambix_video:AmbixVideo",
    "av_clips": "tfds_builders.av_clips:AvClips",
    "toy_band": "tfds_builders.toy_band:ToyBand",
    "toy_sphere": "tfds_builders.toy_sphere:ToySphere",
}


def build(
    dataset: str,
    data_dir: str | os.PathLike[str],
    *,
    source: str = "",
    pipeline: str = "local",
    num_workers: int = 0,
    max_missing: float = 0.01,
    beam_options: tuple[str, ...] = (),
    overwrite: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Build a dataset and return its folder, ``data_dir/name/config/version``.

    Args:
      dataset: "name" or "name/config".
      data_dir: folder of datasets.
      source: folder or csv, for a dataset that reads files.
      pipeline: "local" or "beam".
      num_workers: processes of the local pipeline; 0 loads in this process.
      max_missing: greatest fraction of clips that may be missing or broken.
      beam_options: options of Apache Beam, such as "--runner=DirectRunner".
      overwrite: replace a dataset that is there; it stays until the new one is ready.
      settings: values that replace those of the config, where the dataset has any.

    Raises:
      DataError: unknown dataset, bad source, too many broken clips, a dataset that is
        there already, or another build of it at work.
      UserError: `data_dir` or `source` is a URL.
      OSError: no room, no permission, or a file in the way.
    """
    local_path("source", source)
    builder_class, config = _find(dataset)
    if settings and not builder_class.takes_settings:
        raise DataError(f"{dataset} has no setting {', '.join(settings)}")
    kwargs = {"settings": settings} if settings else {}
    download_config = tfds.download.DownloadConfig(
        try_download_gcs=False, beam_options=_beam_options(pipeline, beam_options)
    )
    data_dir = local_path("data_dir", data_dir).expanduser().absolute()
    with workplace(data_dir, f".building-{builder_class.name}-{config}") as place:
        builder = builder_class(
            config=config,
            data_dir=place,
            source=source,
            pipeline=pipeline,
            num_workers=num_workers,
            max_missing=max_missing,
            **kwargs,
        )
        made = pathlib.Path(builder.data_dir)
        target = data_dir / made.relative_to(place)
        if target.exists() and not overwrite:
            raise DataError(f"{target} exists already: pass overwrite to replace it")
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(download_config=download_config)
        _move(made, target, place / "replaced")
    return target


def _find(dataset: str) -> tuple[type[SegmentBuilder], str]:
    """The builder and the name of its config, by default its first one.

    Raises:
      DataError: there is no such dataset or config.
    """
    name, _, config = dataset.partition("/")
    if name not in BUILDERS:
        raise DataError(f"unknown dataset {name!r}: {nearest(name, BUILDERS)}")
    module, _, attribute = BUILDERS[name].partition(":")
    builder_class = getattr(importlib.import_module(module), attribute)
    configs = [known.name for known in builder_class.BUILDER_CONFIGS]
    if config and config not in configs:
        raise DataError(f"{name} has no config {config!r}: {nearest(config, configs)}")
    return builder_class, config or configs[0]


def _beam_options(pipeline: str, options: tuple[str, ...]) -> Any:
    """The options as an object of Apache Beam; None for another pipeline.

    Raises:
      DataError: Beam is not installed, or there are options without it.
    """
    if pipeline != "beam":
        if options:
            raise DataError(f"beam_options are given, but pipeline is {pipeline!r}")
        return None
    if any(option.endswith("DataflowRunner") for option in options):
        raise DataError(
            "the workers of Dataflow share no disk, which records are written to; take "
            "FlinkRunner or SparkRunner, with a data_dir that all workers see"
        )
    try:
        module = importlib.import_module("apache_beam.options.pipeline_options")
    except ModuleNotFoundError as error:
        raise DataError(
            "pipeline 'beam' needs Apache Beam, which is not installed: "
            'pip install -e ".[beam]", best in an environment of its own'
        ) from error
    return module.PipelineOptions(list(options))


def _move(made: pathlib.Path, target: pathlib.Path, replaced: pathlib.Path) -> None:
    """Put a finished dataset in its place; one that is there is put aside first."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(replaced)
    try:
        made.rename(target)
    except OSError:
        if replaced.exists():
            replaced.rename(target)
        raise
