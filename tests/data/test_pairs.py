"""Pair lists: the rules against plain statements, the file against changes."""

import collections
import itertools
import json
import random

import pytest

from spatialjax.data import PairRule, load_pairs, make_pairs
from spatialjax.errors import DataError, MediaError

CLASS_OF = {f"clip{k}": k % 3 for k in range(9)}


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("num_sources", [2, 3])
def test_the_published_rule(dataset, limit, num_sources):
    pairs = make_pairs(
        dataset, "train", PairRule.PUBLISHED, num_sources, num_pairs=limit
    )
    count = limit or 9
    expected = []
    for i in range(count):
        random.seed(i)
        partners = [random.randint(0, count - 1) for _ in range(num_sources - 1)]
        expected.append(tuple(f"clip{j}" for j in (i, *partners)))
    assert pairs.items == tuple(expected)


@pytest.mark.parametrize("num_sources", [2, 3])
def test_distinct_classes(dataset, num_sources):
    rule = PairRule.CLASS_DISTINCT
    pairs = make_pairs(dataset, "train", rule, num_sources, num_pairs=18)
    for item in pairs.items:
        assert len({CLASS_OF[name] for name in item}) == num_sources
    assert len({frozenset(item) for item in pairs.items}) == len(pairs.items) == 18
    assert set(collections.Counter(item[0] for item in pairs.items)) == set(CLASS_OF)
    assert pairs == make_pairs(dataset, "train", rule, num_sources, num_pairs=18)
    other = make_pairs(dataset, "train", rule, num_sources, num_pairs=18, seed=1)
    assert other.hash != pairs.hash
    fewer = make_pairs(dataset, "train", rule, num_sources)
    assert fewer.items == pairs.items[:9]


@pytest.mark.parametrize(
    ("rule", "num_sources"),
    [
        (PairRule.CLASS_DISTINCT, 1),
        (PairRule.CLASS_DISTINCT, 2),
        (PairRule.CLASS_DISTINCT, 3),
        (PairRule.SAME_CLASS, 2),
        (PairRule.SAME_CLASS, 3),
    ],
)
def test_more_than_there_are_gives_each_set_once(dataset, rule, num_sources):
    pairs = make_pairs(dataset, "train", rule, num_sources, num_pairs=1000)
    num_classes = num_sources if rule is PairRule.CLASS_DISTINCT else 1
    expected = {
        frozenset(names)
        for names in itertools.combinations(CLASS_OF, num_sources)
        if len({CLASS_OF[name] for name in names}) == num_classes
    }
    assert len(pairs.items) == len(expected)
    assert {frozenset(item) for item in pairs.items} == expected


def test_duets(dataset):
    pairs = make_pairs(dataset, "duets", PairRule.DUET)
    assert pairs.items == (("clip3",), ("clip4",))
    assert len(make_pairs(dataset, "duets", PairRule.DUET, num_pairs=1).items) == 1


@pytest.mark.parametrize(
    ("split", "rule", "num_sources", "num_pairs", "text"),
    [
        ("train", PairRule.CLASS_DISTINCT, 4, None, "3 classes, 4 sources"),
        ("odd", PairRule.CLASS_DISTINCT, 2, None, "1 of 3 clips .* have no class"),
        ("validation", PairRule.SAME_CLASS, 4, None, "no class .* has 4 clips"),
        ("train", PairRule.DUET, 2, None, "'clip0' .* holds 1 sources"),
        ("duets", PairRule.PUBLISHED, 2, None, "has 2 sources"),
        ("train", PairRule.PUBLISHED, 0, None, "both must be 1 or more"),
        ("train", PairRule.PUBLISHED, 2, 0, "both must be 1 or more"),
        ("tain", PairRule.PUBLISHED, 2, None, "did you mean 'train'"),
    ],
)
def test_too_little_for_the_rule(dataset, split, rule, num_sources, num_pairs, text):
    with pytest.raises(DataError, match=text):
        make_pairs(dataset, split, rule, num_sources, num_pairs)


def test_a_file_reloads_equal(dataset, tmp_path):
    pairs = make_pairs(dataset, "train", PairRule.CLASS_DISTINCT)
    path = tmp_path / "new" / "pairs.json"
    pairs.save(path)
    pairs.save(path)
    loaded = load_pairs(path, dataset)
    assert loaded == pairs
    assert loaded.hash == pairs.hash == json.loads(path.read_text())["hash"]
    assert [p.name for p in path.parent.iterdir()] == ["pairs.json"]
    clips = loaded.clips(dataset)
    assert [clip.clip_id for clip in clips[3]] == list(pairs.items[3])


def swap_partners(content):
    content["items"][0].reverse()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (swap_partners, "was altered"),
        (lambda content: content.update(split="validation"), "was altered"),
        (lambda content: content.update(rule="drawn"), "is no pair list"),
        (lambda content: content.pop("items"), "is no pair list"),
        (lambda content: content.pop("hash"), "is no pair list"),
    ],
)
def test_an_altered_file_is_refused(dataset, tmp_path, change, text):
    make_pairs(dataset, "train", PairRule.PUBLISHED).save(tmp_path / "pairs.json")
    content = json.loads((tmp_path / "pairs.json").read_text())
    change(content)
    (tmp_path / "pairs.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=text):
        load_pairs(tmp_path / "pairs.json", dataset)


def test_a_list_of_another_dataset_is_refused(dataset, tmp_path):
    make_pairs(dataset, "train", PairRule.PUBLISHED).save(tmp_path / "pairs.json")
    dataset.hash = "0" * 64
    with pytest.raises(DataError, match="make a list for this dataset"):
        load_pairs(tmp_path / "pairs.json", dataset)


def test_a_list_of_clips_that_are_gone_is_refused(dataset):
    pairs = make_pairs(dataset, "train", PairRule.PUBLISHED)
    dataset.splits["train"] = dataset.splits["train"][:4]
    with pytest.raises(DataError, match="names clip 'clip"):
        pairs.clips(dataset)


def test_files_that_cannot_be_read_or_written(dataset, tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none.json: No such file"):
        load_pairs(tmp_path / "none.json", dataset)
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="cannot be written"):
        make_pairs(dataset, "train", PairRule.PUBLISHED).save(tmp_path / "file" / "x")
