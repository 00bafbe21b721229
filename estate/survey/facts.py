"""What a survey says of a prison's wings, in place of what was assumed, and how well it knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose
from typing import TYPE_CHECKING

import networkx as nx

from estate.model import DATA_CABLING, Grade, Network, WingShape
from estate.sizing import Sizing
from estate.survey.meeting import Meeting, meetings_of
from estate.survey.networks import network_of, perimeter_of
from estate.survey.places import Places
from estate.survey.plant import knows_wing
from estate.survey.repeating import as_laid_out
from estate.survey.routes import trace
from estate.survey.sharing import shared_out
from estate.survey.wings import by_wing, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.model import Wing
    from estate.sources.survey import Feature, Survey
    from estate.typology import Layout

# What a plan that rests on surveys says beside the rules of its design.
SURVEY_RULES = (
    (
        "In a surveyed wing, containment that stands already is not bought again, the way to the "
        "comms room included, unless more than 40 % of it is full; its outlets count as there "
        "only if each of its cells has one of Cat 5e or better."
    ),
    (
        "Surveyed wings whose containment meets, and of which cells of both reach one place for a "
        "distributor within the link limit, are one problem: they share cabinets, switches and "
        "containment, and each is billed for what stands or runs in it and for its own cables. An "
        "access point serves cells of its own wing. Wings that lead to one distributor but are not "
        "one problem share by their cells what is free in it."
    ),
    (
        "Where a survey draws the core (a campus_distributor), fibre between buildings follows the "
        "drawn ducts: one cable in each duct, nothing for its way inside buildings. Two ways share "
        "no duct, no chamber and no other building."
    ),
    (
        "A surveyed wing is drawn as surveyed; its cost has one kind of wall, that of most of "
        "their length."
    ),
)

_ASSUMED_WING = "typology"  # Source of a wing that no schedule names.
_MEASURED = frozenset({"cells", "layout", "dimensions", "construction", "distance_to_comms_m"})
_SAME_M = 0.001  # A draft writes lengths to the millimetre.


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The sizing that a survey gives, and the network of each wing by the wing's key.

    Networks are those of wings that are designed apart, with what is free in distributors shared
    out; `drawn` are the same before that. `meetings` are the wings whose containment meets.
    """

    sizing: Sizing
    networks: Mapping[str, Network]
    drawn: Mapping[str, Network]
    meetings: tuple[Meeting, ...] = ()


def surveyed(sizing: Sizing, survey: Survey, *, prison_id: str) -> Surveyed:
    """Return the wings of a sound survey in place of those that were sized.

    The survey is of the whole prison: a wing that it does not have is gone, and one whose code
    is new takes the facts that no map shows from a typical wing. What the survey repeats keeps
    its grade; what it changes is assumed until it is signed. A prison that is not sized, since
    its figures are another's, stays so.
    """
    sized = {wing.wing: wing for wing in sizing.wings}
    typical = next((wing for wing in sizing.wings if wing.source == _ASSUMED_WING), None)
    wings: list[Wing] = []
    networks: dict[str, Network] = {}
    perimeter = perimeter_of(survey)
    unknown = []
    parts = by_wing(survey, prison_id=prison_id)
    order = {code: index for index, code in enumerate((*sized, *parts))}
    for code, part in sorted(parts.items(), key=lambda each: order[each[0]]):
        base = sized.get(code, typical and replace(typical, wing=code, name=f"Wing {code}"))
        if base is None:
            unknown.append(code)
            continue
        wing = _Reading(part, base).wing()
        wings.append(wing)
        networks[wing.key] = replace(as_laid_out(network_of(part), wing), perimeter=perimeter)
    return Surveyed(
        sizing=_resized(sizing, survey, wings, unknown),
        networks=shared_out(networks, {wing.key: wing.cells for wing in wings}),
        drawn=networks,
        meetings=tuple(meetings_of(survey, parts, wings)),
    )


def _resized(
    sizing: Sizing, survey: Survey, wings: Sequence[Wing], unknown: Sequence[str]
) -> Sizing:
    """Return the sizing with the wings of a survey, or as it was if the survey repeats it."""
    # An import refuses such wings, but the wing schedule may change after it.
    lost = f"The survey's wings {', '.join(unknown)} are not in the schedule, and are left out."
    notes = (lost,) if unknown else ()
    if not wings or tuple(wings) == sizing.wings:
        return replace(sizing, notes=(*sizing.notes, *notes)) if unknown else sizing
    signed = sum(feature.is_signed for feature in survey.features())
    total = sum(wing.cells for wing in wings)
    return Sizing(
        wings=tuple(wings),
        basis=f"{total:,} cells in {len(wings)} wings of the survey",
        notes=(f"{signed:,} of the {len(survey):,} features of the survey are signed.", *notes),
    )


class _Reading:
    """One wing of a sound survey beside what was known of the wing before it."""

    def __init__(self, part: Survey, base: Wing) -> None:
        self.part = part
        self.base = base
        self.cells = cells_of(part)
        self.routes = trace(part)

    def wing(self) -> Wing:
        """Return the wing with every fact that the survey gives, and the grade of each."""
        base, shape, known = self.base, self._shape(), self._known()
        doubted = [f for f in (*base.assumed, *self._changed(shape)) if f not in known]
        counted = "cells" in known
        share = shape.cells / base.cells
        made = replace(
            base,
            shape=shape,
            cells_low=float(shape.cells) if counted else base.cells_low * share,
            cells_high=float(shape.cells) if counted else base.cells_high * share,
            # One grade stands for every fact that is not doubted.
            grade=Grade.SURVEYED if counted and known.union(doubted) >= _MEASURED else base.grade,
            assumed=tuple(dict.fromkeys(doubted)),
            # They are those of the cells that were known; a survey writes the key of each.
            cell_keys=base.cell_keys if shape.layout == base.shape.layout else (),
            **self._hazards(),
        )
        return self._attributed(made)

    def _attributed(self, wing: Wing) -> Wing:
        """Return the wing with the survey as its source, and the day of the last measurement.

        One of which the survey tells nothing but where things are keeps its source, and says so.
        """
        days = [f.text("surveyed_on") for f in self.part.features() if f.is_signed]
        signed = f"{len(days):,} of {len(self.part):,} features signed"
        day = max(days, default=wing.surveyed_on)
        if wing != self.base:
            return replace(wing, source="survey", surveyed_on=day, basis=f"survey, {signed}")
        if not knows_wing(self.part, wing):
            return wing
        basis = f"{wing.basis}; walls and plant as in the survey, {signed}"
        return replace(wing, surveyed_on=day, basis=basis)

    def _shape(self) -> WingShape:
        shape = self.base.shape
        material, thickness_mm = self._fabric()
        distance_m = self._distance_to_comms_m()
        if isclose(distance_m, shape.distance_to_comms_m, rel_tol=0, abs_tol=_SAME_M):
            distance_m = shape.distance_to_comms_m
        return replace(
            shape,
            layout=self._layout(),
            material=material,
            thickness_mm=thickness_mm,
            distance_to_comms_m=distance_m,
            cabling=self._cabling(),
        )

    def _layout(self) -> Layout:
        """Return the cells of each spur, landing by landing; a spur is where doors lead to.

        A spur without a cell on a landing leaves no trace on a map, so a layout that differs in
        that alone is the one known before.
        """
        spurs: defaultdict[int, Counter[str]] = defaultdict(Counter)
        places = Places(self.part)
        beyond: dict[str, str] = {}
        for door in self.part.layers["doors"]:
            one, other = places.sides(door)
            beyond |= {one: other, other: one}
        for cell in self.cells:
            spurs[cell.floor][beyond[cell.name]] += 1
        layout = tuple(tuple(spurs[floor].values()) for floor in sorted(spurs))
        before = self.base.shape.layout
        return before if layout == tuple(tuple(filter(None, spur)) for spur in before) else layout

    def _fabric(self) -> tuple[str, int]:
        """Return the material and thickness of most of the walls, by length."""
        lengths_m: Counter[tuple[str, int]] = Counter()
        for wall in self.part.layers["walls"]:
            fabric = (wall.text("material"), wall.integer("thickness_mm") or 0)
            lengths_m[fabric] += wall.geometry.length
        before = (self.base.shape.material, self.base.shape.thickness_mm)
        return max(sorted(lengths_m), key=lambda fabric: lengths_m[fabric], default=before)

    def _distance_to_comms_m(self) -> float:
        """Return the length of duct from a distributor to where the wing's own routes begin."""
        ducts: nx.MultiGraph[str] = nx.MultiGraph()
        racks = [self.routes.joints[d.name] for d in self.part.layers["distributors"]]
        ducts.add_nodes_from(racks)
        own = set()
        for span in self.routes.spans:
            if span.containment == "duct":
                ducts.add_edge(span.start, span.end, length_m=span.length_m)
            else:
                own |= {span.start, span.end}
        lengths_m = nx.multi_source_dijkstra_path_length(
            ducts, dict.fromkeys(racks), weight="length_m"
        )
        # A rack that a span ends at is 0 away, a whole number.
        return float(min(length_m for node, length_m in lengths_m.items() if node in own))

    def _cabling(self) -> str:
        """Return the least of the data cabling in the cells, if an existing outlet is in each."""
        places = Places(self.part)
        best: defaultdict[str, int] = defaultdict(lambda: -1)
        for outlet in self.part.layers["outlets"]:
            category = outlet.text("category")
            if outlet.text("state") == "existing" and category in DATA_CABLING:
                space = places.around(outlet)
                best[space] = max(best[space], DATA_CABLING.index(category))
        least = min(best[cell.name] for cell in self.cells)
        if least >= 0:
            return DATA_CABLING[least]
        before = self.base.shape.cabling
        return "none" if before in DATA_CABLING else before

    def _changed(self, shape: WingShape) -> Iterable[str]:
        """Return the facts that the survey does not repeat as they were known."""
        before = self.base.shape
        pairs = {
            "cells": (shape.cells, before.cells),
            "layout": (shape.layout, before.layout),
            "construction": (
                (shape.material, shape.thickness_mm),
                (before.material, before.thickness_mm),
            ),
            "distance_to_comms_m": (shape.distance_to_comms_m, before.distance_to_comms_m),
            "cabling": (shape.cabling, before.cabling),
        }
        return [fact for fact, (now, then) in pairs.items() if now != then]

    def _known(self) -> set[str]:
        """Return the facts whose every feature is signed."""
        return {
            fact
            for fact, features in self._evidence().items()
            if features and all(feature.grade == Grade.SURVEYED for feature in features)
        }

    def _evidence(self) -> dict[str, Sequence[Feature]]:
        """Return the features that each fact rests on."""
        layers = self.part.layers
        ducts = [span for span in layers["spans"] if span.text("containment") == "duct"]
        runs = [span for span in layers["spans"] if span.text("containment") != "duct"]
        return {
            "cells": self.cells,
            "layout": [*self.cells, *layers["doors"]],
            "dimensions": [*layers["spaces"], *runs],
            "construction": layers["walls"],
            "distance_to_comms_m": [*ducts, *layers["distributors"]],
            "cabling": layers["outlets"],
            "asbestos": [h for h in layers["hazards"] if h.text("kind") == "asbestos"],
        }

    def _hazards(self) -> dict[str, str]:
        """Return what the hazards drawn in the wing say; none drawn is no evidence of none."""
        kinds = {hazard.text("kind") for hazard in self.part.layers["hazards"]}
        says = {"asbestos": "asbestos", "listed_fabric": "listed"}
        return {fact: "yes" for kind, fact in says.items() if kind in kinds}
