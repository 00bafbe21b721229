"""The form in which QGIS lets a person edit a feature: lists, calendars, what must be filled."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.document import Field

_DAY = "yyyy-MM-dd"
_NOT_NULL = "1"  # Of QgsFieldConstraints::Constraint.
_WARNS = "2"  # Of QgsFieldConstraints::ConstraintStrength: the form warns, and still saves.


def add_form(root: ET.Element, fields: Iterable[Field]) -> None:
    """Add to a style document how each field is edited; the others stay plain text."""
    widgets, aliases, defaults, needs, editable = (
        ET.SubElement(root, name)
        for name in ("fieldConfiguration", "aliases", "defaults", "constraints", "editable")
    )
    for index, field in enumerate(fields):
        _add_widget(ET.SubElement(widgets, "field", name=field.name), field)
        ET.SubElement(aliases, "alias", field=field.name, index=str(index), name=field.label)
        default = ET.SubElement(defaults, "default", field=field.name, applyOnUpdate="0")
        default.set("expression", _quoted(field.default) if field.default else "")
        need = ET.SubElement(needs, "constraint", field=field.name, unique_strength="0")
        need.attrib |= {"exp_strength": "0", "constraints": _NOT_NULL if field.needed else "0"}
        need.set("notnull_strength", _WARNS if field.needed else "0")
        switch = "0" if field.read_only else "1"
        ET.SubElement(editable, "field", name=field.name, editable=switch)


def _add_widget(element: ET.Element, field: Field) -> None:
    kind = "ValueMap" if field.choices else "DateTime" if field.day else "TextEdit"
    widget = ET.SubElement(element, "editWidget", type=kind)
    options = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
    if field.choices:
        choices = ET.SubElement(options, "Option", name="map", type="List")
        for choice in field.choices:
            entry = ET.SubElement(choices, "Option", type="Map")
            label = choice.replace("_", " ")
            ET.SubElement(entry, "Option", name=label, type="QString", value=choice)
    elif field.day:
        for name, value in (("display_format", _DAY), ("field_format", _DAY)):
            ET.SubElement(options, "Option", name=name, type="QString", value=value)
        for name in ("allow_null", "calendar_popup"):
            ET.SubElement(options, "Option", name=name, type="bool", value="true")


def _quoted(text: str) -> str:
    """Return a text as an expression of QGIS."""
    return "'" + text.replace("'", "''") + "'"
