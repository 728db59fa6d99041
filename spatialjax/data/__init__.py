"""Stored clips, drawn mixtures and listed pairs as batches."""

from spatialjax.data.channel_gains import channel_gains
from spatialjax.data.clip_lists import read_clip_ids, restrict
from spatialjax.data.clips import Clip, Dataset, open_dataset
from spatialjax.data.config import DataConfig
from spatialjax.data.loader import pair_batches, train_batches
from spatialjax.data.pairs import PairList, PairRule, load_pairs, make_pairs

__all__ = [
    "Clip",
    "DataConfig",
    "Dataset",
    "PairList",
    "PairRule",
    "channel_gains",
    "load_pairs",
    "make_pairs",
    "open_dataset",
    "pair_batches",
    "read_clip_ids",
    "restrict",
    "train_batches",
]
