"""Open every layer of a GeoPackage in QGIS with its own style, and draw each to a PNG.

Runs in the system's Python, which has QGIS: `qgis_render.py FILE.gpkg FOLDER`. Prints, for each
layer, what QGIS made of it, as JSON.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from osgeo import ogr
from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIZE_PX = QSize(800, 600)
PAPER = QColor("#ffffff")


def layer_names(path):
    """Return the names of the layers that hold features on a map."""
    source = ogr.Open(str(path))
    layers = [source.GetLayerByIndex(index) for index in range(source.GetLayerCount())]
    return [layer.GetName() for layer in layers if layer.GetGeometryColumn()]


def drawn(layer):
    """Return the layer on white paper, as QGIS draws it."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setBackgroundColor(PAPER)
    settings.setOutputSize(SIZE_PX)
    extent = layer.extent()
    extent.grow(max(extent.width(), extent.height(), 1) * 0.08)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def colours(image):
    """Return the commonest colours, paper aside; edges blend into more than were declared."""
    pixels = ((x, y) for x in range(image.width()) for y in range(image.height()))
    counts = Counter(image.pixelColor(x, y).name() for x, y in pixels)
    del counts[PAPER.name()]
    return [colour for colour, _ in counts.most_common(8)]


def seen(path, name, folder):
    """Return what QGIS makes of one layer, and leave its picture in the folder."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    message, loaded = layer.loadDefaultStyle()
    renderer = layer.renderer()
    kind = renderer.type() if renderer else ""
    categories = renderer.categories() if kind == "categorizedSymbol" else []
    image = drawn(layer)
    image.save(str(folder / f"{name}.png"))
    return {
        "valid": layer.isValid(),
        "style_loaded": loaded,
        "message": message,
        "crs": layer.crs().authid(),
        "abstract": layer.metadata().abstract(),
        "features": layer.featureCount(),
        "renderer": kind,
        "categories": [category.value() for category in categories],
        "labels": layer.labelsEnabled(),
        "keeps_labels_away": layer.labelsEnabled()
        and layer.labeling().settings().obstacleSettings().isObstacle(),
        "colours": colours(image),
    }


def main():
    """Draw the layers of the named file into the named folder."""
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    application = QgsApplication([], False)
    application.initQgis()
    report = {name: seen(path, name, folder) for name in layer_names(path)}
    print(json.dumps(report))  # noqa: T201 - the answer to the test that runs us
    application.exitQgis()


if __name__ == "__main__":
    main()
