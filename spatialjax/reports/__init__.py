"""Pages and pictures of what was measured."""

from spatialjax.reports.gallery import Gallery, ShownItem
from spatialjax.reports.page import Report
from spatialjax.reports.summary import Summary

__all__ = ["Gallery", "Report", "ShownItem", "Summary"]
