"""Pages and pictures of what was measured."""

from spatialjax.reports.films import write_films
from spatialjax.reports.gallery import Gallery, ShownItem
from spatialjax.reports.listening import write_listening_page
from spatialjax.reports.page import Report
from spatialjax.reports.pictures import curves_svg
from spatialjax.reports.summary import Summary

__all__ = [
    "Gallery",
    "Report",
    "ShownItem",
    "Summary",
    "curves_svg",
    "write_films",
    "write_listening_page",
]
