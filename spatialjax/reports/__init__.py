"""Pages and pictures of what was measured."""

from spatialjax.reports.energy_overlay import OverlayLook, write_energy_overlay
from spatialjax.reports.field_item import FieldItem
from spatialjax.reports.field_summary import FieldSummary, score_systems, wins
from spatialjax.reports.films import write_films
from spatialjax.reports.gallery import Gallery
from spatialjax.reports.listening import write_listening_page
from spatialjax.reports.page import Report, check_page
from spatialjax.reports.pictures import curves_svg
from spatialjax.reports.separated_item import SeparatedItem
from spatialjax.reports.shown_item import ShownItem
from spatialjax.reports.summary import Summary

__all__ = [
    "FieldItem",
    "FieldSummary",
    "Gallery",
    "OverlayLook",
    "Report",
    "SeparatedItem",
    "ShownItem",
    "Summary",
    "check_page",
    "curves_svg",
    "score_systems",
    "wins",
    "write_energy_overlay",
    "write_films",
    "write_listening_page",
]
