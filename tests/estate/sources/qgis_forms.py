"""Load the forms of a survey in QGIS, and print what each asks for, as JSON.

Runs in the system's Python, which has QGIS: `qgis_forms.py FILE.gpkg`.
"""

import json
import sys

from osgeo import ogr
from qgis.core import QgsApplication, QgsFieldConstraints, QgsVectorLayer


def layer_names(path):
    """Return the names of the layers that are on a map."""
    source = ogr.Open(path)
    layers = [source.GetLayerByIndex(index) for index in range(source.GetLayerCount())]
    return [layer.GetName() for layer in layers if layer.GetGeometryColumn()]


def form_of(path, name):
    """Return how QGIS edits each field of a layer."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    layer.loadDefaultStyle()
    fields = layer.fields()
    return {
        fields.at(index).name(): field_of(layer, index)
        for index in range(fields.count())
        if fields.at(index).name() != "fid"
    }


def field_of(layer, index):
    """Return the widget of a field, its choices, its default, and whether it must be filled."""
    setup = layer.editorWidgetSetup(index)
    default = layer.defaultValue(index)
    constraints = layer.fieldConstraints(index)
    listed = setup.config().get("map", [])
    return {
        "widget": setup.type(),
        "choices": [label for entry in listed for label in entry],
        "default": default if isinstance(default, str) else None,
        "read_only": layer.editFormConfig().readOnly(index),
        "needed": bool(constraints & QgsFieldConstraints.ConstraintNotNull),
    }


def main():
    """Print the forms of every layer of the named file that is on a map."""
    application = QgsApplication([], False)
    application.initQgis()
    forms = {name: form_of(sys.argv[1], name) for name in layer_names(sys.argv[1])}
    print(json.dumps(forms))  # noqa: T201 - the answer to the test that runs us
    application.exitQgis()


if __name__ == "__main__":
    main()
