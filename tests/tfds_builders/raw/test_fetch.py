import pytest
import yt_dlp
from yt_dlp.utils import DownloadError, ExtractorError

from tfds_builders.raw.fetch import Manner, Missing, fetch
from tfds_builders.raw.id_lists import Video

VIDEO = Video("https://www.youtube.com/watch?v=0QuDuHcMhrQ", "0QuDuHcMhrQ", "cello")


def error_of_site(text, expected=True):
    """What yt-dlp raises where an extractor did."""
    cause = ExtractorError(text, expected=expected, video_id=VIDEO.name, ie="youtube")
    return DownloadError(f"ERROR: {cause}", (type(cause), cause, None))


def asked(monkeypatch, tmp_path, error, **kwargs):
    """What becomes of a video whose site gives an error, and the number of tries."""
    tries = []

    def extract_info(self, url, download):
        tries.append(url)
        raise error

    monkeypatch.setattr(yt_dlp.YoutubeDL, "extract_info", extract_info)
    manner = Manner(num_retries=2, **kwargs)
    missing = fetch(VIDEO, manner, tmp_path / "out", tmp_path, lambda seconds: None)
    return missing, len(tries)


@pytest.mark.parametrize(
    "text",
    [
        "Video unavailable. This video has been removed by the uploader",
        "Private video. Sign in if you've been granted access to this video",
        "This video is not available in your country",
    ],
)
def test_a_video_that_is_gone_is_asked_for_once(monkeypatch, tmp_path, text):
    missing, num_tries = asked(monkeypatch, tmp_path, error_of_site(text))
    assert missing == Missing("cello/0QuDuHcMhrQ", VIDEO.url, text, True)
    assert num_tries == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (error_of_site("Sign in to confirm you’re not a bot. Use --cookies"), "not a"),
        (error_of_site("The session has been rate-limited by YouTube"), "rate-limited"),
        (error_of_site("Unable to extract player", expected=False), "Unable to extr"),
        (TypeError("'NoneType' object is not subscriptable"), "'NoneType' object"),
        (AssertionError(), "AssertionError()"),
    ],
)
def test_what_may_work_later_is_tried_again(monkeypatch, tmp_path, error, reason):
    missing, num_tries = asked(monkeypatch, tmp_path, error)
    assert not missing.gone
    assert reason in missing.reason
    assert "please report" not in missing.reason
    assert "Use --" not in missing.reason
    assert num_tries == 3


def test_waits_grow_and_differ():
    manner = Manner(first_wait_s=2.0, longest_wait_s=30.0)
    waits_s = [manner.wait_s("a", attempt) for attempt in range(1, 9)]
    for wait_s, mean_s in zip(waits_s, (2, 4, 8, 16, 30, 30, 30, 30), strict=True):
        assert 0.5 * mean_s <= wait_s < 1.5 * mean_s
    assert waits_s == [manner.wait_s("a", attempt) for attempt in range(1, 9)]
    assert manner.wait_s("a", 1) != manner.wait_s("b", 1)
    assert manner.wait_s("a", 1) != Manner(seed=1).wait_s("a", 1)
    assert manner.wait_s("a", 10**6) < 45
