"""Compare two evaluations, item by item.

    python -m launch.compare a.json b.json

prints, for each suite and metric that both score cards hold, the two means and the
difference with its paired 95 % bootstrap interval; a star marks an interval without 0.
Score cards of different lists of items are refused.
"""

from absl import flags

from launch import _app

_NUM_BOOTSTRAP = flags.DEFINE_integer(
    "num_bootstrap", 10000, "draws behind an interval", lower_bound=1
)


def main(first: str, second: str) -> None:
    """Print the comparison of two files."""
    from spatialjax.evaluation import compare, comparison_table, read_scorecard

    cards = read_scorecard(first), read_scorecard(second)
    table = comparison_table(compare(*cards, _NUM_BOOTSTRAP.value))
    print(f"first   {first}: {cards[0].label}\nsecond  {second}: {cards[1].label}\n")
    print(table)


if __name__ == "__main__":
    _app.run(main, positional=("A.json", "B.json"), uses_jax=False)
