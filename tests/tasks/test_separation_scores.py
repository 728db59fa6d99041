import numpy as np

from spatialjax.tasks.separation_scores import measure_separation, score_separation


def outputs_of_noise():
    rng = np.random.default_rng(0)
    sources = 0.1 * rng.normal(size=(3, 2, 1, 4000)).astype(np.float32)
    error = 0.01 * rng.normal(size=sources.shape).astype(np.float32)
    sources[1, 0] = 0
    return {
        "sources": sources,
        "estimates": sources + error,
        "mixture": sources.sum(1),
    }


VALID = {"valid": np.array([True, True, False])}


def test_si_sdr_by_its_definition():
    outputs = outputs_of_noise()
    scores = measure_separation(outputs, VALID)

    def definition(estimate, reference):
        e, s = (x.astype(np.float64) - x.mean() for x in (estimate, reference))
        target = (e @ s) / (s @ s) * s
        return 10 * np.log10((target @ target) / ((e - target) @ (e - target)))

    for n in range(2):
        s, e = (outputs[name][0, n, 0] for name in ("sources", "estimates"))
        own, base = definition(e, s), definition(outputs["mixture"][0, 0], s)
        np.testing.assert_allclose(scores["si_sdr_db"].value[0, n], own, atol=1e-3)
        np.testing.assert_allclose(
            scores["si_sdr_improvement_db"].value[0, n], own - base, atol=1e-3
        )


def test_silent_and_padded_items_do_not_count():
    outputs = outputs_of_noise()
    for scores in (
        measure_separation(outputs, VALID),
        score_separation(outputs, VALID),
    ):
        for score in scores.values():
            assert np.isfinite(score.value).all()
            np.testing.assert_array_equal(score.weight, [[1, 1], [0, 0], [0, 0]])


def test_a_silent_estimate_does_not_count():
    outputs = outputs_of_noise()
    outputs["estimates"][0, 1] = 0
    scores = measure_separation(outputs, VALID) | score_separation(outputs, VALID)
    assert all(not np.any(score.weight) for score in scores.values())


def test_nan_is_no_silence():
    outputs = outputs_of_noise()
    outputs["estimates"][0, 1, 0, 5] = np.nan
    for scores in (
        measure_separation(outputs, VALID),
        score_separation(outputs, VALID),
    ):
        for name, score in scores.items():
            np.testing.assert_array_equal(score.weight[0], [1, 1])
            if "mixture" not in name:
                assert np.isnan(score.value[0, 1])


def test_improvement_is_over_the_mixture():
    scores = score_separation(outputs_of_noise(), VALID)
    gain = scores["sdr_db"].value - scores["sdr_mixture_db"].value
    np.testing.assert_allclose(scores["sdr_improvement_db"].value[0], gain[0])
    assert (gain[0] > 15).all()
