"""Pages and pictures of what was measured."""

from spatialjax.reports.gallery import Gallery, ShownItem
from spatialjax.reports.page import Report

__all__ = ["Gallery", "Report", "ShownItem"]
