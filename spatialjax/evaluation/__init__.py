"""Scores of trained models: computed, kept, compared."""

from spatialjax.evaluation.compare import Difference, compare, comparison_table
from spatialjax.evaluation.config import EvaluationConfig
from spatialjax.evaluation.evaluate import (
    Collect,
    EvalStep,
    Suite,
    compile_eval_step,
    evaluate,
)
from spatialjax.evaluation.scorecard import (
    Origin,
    ScoreCard,
    SuiteScores,
    read_scorecard,
    versions,
)
from spatialjax.evaluation.suites import make_pair_lists, make_suites
from spatialjax.evaluation.summary import Summary

__all__ = [
    "Collect",
    "Difference",
    "EvalStep",
    "EvaluationConfig",
    "Origin",
    "ScoreCard",
    "Suite",
    "SuiteScores",
    "Summary",
    "compare",
    "comparison_table",
    "compile_eval_step",
    "evaluate",
    "make_pair_lists",
    "make_suites",
    "read_scorecard",
    "versions",
]
