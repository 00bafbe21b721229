"""From a plan to what people look at: a site, a workbook and map layers."""

from __future__ import annotations

from estate.report.layers import layers_of
from estate.report.site import site_of
from estate.report.workbook import workbook_of

__all__ = ["layers_of", "site_of", "workbook_of"]
