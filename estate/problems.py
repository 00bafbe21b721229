"""What is to be designed: a wing alone, or surveyed wings that share distributors as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from estate.block import Block
from estate.cabling.joining import joined
from estate.catalogue import Assumption, Catalogue
from estate.design import design_block, design_wing
from estate.errors import NoPlanError, Problem
from estate.model import Network, Wing, WingShape
from estate.plan import shape_id
from estate.sizing import Sizing
from estate.survey import surveyed
from estate.survey.sharing import shared_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.cabling.cache import DesignCache
    from estate.cabling.values import WingDesign
    from estate.sources.survey import Survey


# What comes before the name of a cell in what is said of it.
_CELL = "cell "

_APART = "designed apart: its containment meets that of no other wing"


@dataclass(frozen=True, kw_only=True)
class Wings:
    """The wings of each prison, and of those that were surveyed the networks, by their keys.

    `blocks` has the block of each wing that is one problem with others, and `because` says of
    wings whose containment meets which are one problem, and why.
    """

    sizings: Mapping[str, Sizing]
    networks: Mapping[str, Network] = field(default_factory=dict)
    blocks: Mapping[str, Block] = field(default_factory=dict)
    because: Mapping[str, str] = field(default_factory=dict)

    def with_survey(self, survey: Survey, prison_id: str, catalogue: Catalogue) -> Wings:
        """Return the wings with those of one prison as its survey has them."""
        found = surveyed(self.sizings[prison_id], survey, prison_id=prison_id)
        networks, blocks = found.networks, dict[str, Block]()
        because = dict.fromkeys(networks, _APART if len(networks) > 1 else "")
        for meeting in found.meetings:
            these = joined(tuple(meeting.wings), meeting.traced, catalogue)
            blocks |= {k: b for b in these.blocks if len(b.members) > 1 for k in b.keys}
            because |= these.because
        if blocks:
            networks, blocks = _shared_out(found.sizing, found.drawn, blocks)
        return Wings(
            sizings={**self.sizings, prison_id: found.sizing},
            networks={**self.networks, **networks},
            blocks={**self.blocks, **blocks},
            because={**self.because, **because},
        )


def _shared_out(
    sizing: Sizing, networks: Mapping[str, Network], blocks: Mapping[str, Block]
) -> tuple[dict[str, Network], dict[str, Block]]:
    """Return the problems of a prison, each with its part of the distributors that they share."""
    cells = {wing.key: wing.cells for wing in sizing.wings}
    whole = {block.keys[0]: block for block in blocks.values()}
    parts = shared_out(
        {
            **{key: network for key, network in networks.items() if key not in blocks},
            **{key: block.network for key, block in whole.items()},
        },
        {
            **{key: cells[key] for key in networks if key not in blocks},
            **{key: sum(cells[k] for k in block.keys) for key, block in whole.items()},
        },
    )
    sharing = {key: block.sharing(parts[key].distributors) for key, block in whole.items()}
    members = {m.key: m.network for block in sharing.values() for m in block.members}
    return (
        {key: members.get(key) or parts[key] for key in networks},
        {key: block for block in sharing.values() for key in block.keys},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Wings to design, by themselves or as one problem, and what they are priced and ruled by.

    `names` are those of their designs, and `keys` those of all wings that are built so: several
    of one shape share a design, and `first` is one of them. Of a lone wing `network` is that of its
    survey, if any.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    first: Wing
    catalogue: Catalogue
    network: Network | None = None
    block: Block | None = None

    @property
    def shape(self) -> WingShape:
        """Return the shape of a lone wing."""
        return self.first.shape

    @property
    def cells(self) -> int:
        """Return the cells to be served, by which the work grows."""
        if self.block is None:
            return self.shape.cells
        return sum(member.shape.cells for member in self.block.members)

    def designs(self) -> tuple[WingDesign, ...]:
        """Return the design of each name.

        Raises
        ------
        NoPlanError
            When there is none.
        """
        if self.block is not None:
            return design_block(self.block, self.catalogue)
        return (design_wing(self.shape, self.catalogue, self.network),)

    def attempt(self) -> tuple[WingDesign, ...] | NoPlanError:
        """Return the designs, or why there are none: other tasks go on."""
        try:
            return self.designs()
        except NoPlanError as error:
            return error

    def located(self, problem: Problem) -> Problem:
        """Return what stands in the way with its cell by the location key in the first wing.

        Designs of wings that were not surveyed name cells by landing and number.
        """
        is_by_key = self.network or self.block or not self.first.cell_keys
        if is_by_key or not problem.place.startswith(_CELL):
            return problem
        key = self.first.key_of(problem.place.removeprefix(_CELL))
        return replace(problem, place=f"{_CELL}{key}")

    def kept_in(self, cache: DesignCache) -> tuple[WingDesign, ...] | None:
        """Return the designs that were kept, None where they are to be made."""
        if self.block is not None:
            return cache.find_block(self.block, self.catalogue)
        found = cache.find(self.shape, self.catalogue, self.network)
        return None if found is None else (found,)

    def keep(self, designs: tuple[WingDesign, ...], cache: DesignCache) -> None:
        """Keep the designs that were made."""
        if self.block is not None:
            cache.keep_block(designs, self.block, self.catalogue)
        else:
            cache.keep(designs[0], self.shape, self.catalogue, self.network)


def tasks_of(
    wings: Wings,
    measured: Mapping[str, tuple[Assumption, ...]],
    catalogues: Mapping[str, Catalogue],
) -> tuple[Task, ...]:
    """Return what is to be designed, each once, in the order of the names.

    `measured` has what was measured of the radio of prisons, and `catalogues` has one for each.
    """
    names = names_of(wings, measured)
    users: defaultdict[tuple[str, ...], list[Wing]] = defaultdict(list)
    for sizing in wings.sizings.values():
        for wing in sizing.wings:
            block = wings.blocks.get(wing.key)
            users[tuple(names[key] for key in (block.keys if block else [wing.key]))].append(wing)
    for these in users.values():
        these.sort(key=lambda wing: wing.key)
    return tuple(
        Task(
            names=own,
            keys=tuple(wing.key for wing in these),
            first=these[0],
            catalogue=catalogues[these[0].prison_id],
            network=wings.networks.get(these[0].key),
            block=wings.blocks.get(these[0].key),
        )
        for own, these in sorted(users.items())
    )


def no_plan(refused: Sequence[tuple[Task, NoPlanError]]) -> NoPlanError:
    """Return the error that names every wing without a design, each with its conflict and remedy.

    Parameters
    ----------
    refused
        At least one task, with why it has no design.
    """
    if len(refused) == 1:
        ((task, error),) = refused
        problems = [task.located(problem) for problem in error.problems]
        return NoPlanError(f"{_named(task)}: {error}", hint=error.hint, problems=problems)
    count = sum(len(task.keys) for task, _ in refused)
    problems = []
    for task, error in sorted(refused, key=lambda each: each[0].keys):
        problems.append(Problem("", _named(task), str(error), error.hint))
        # The cells of a wing that was not surveyed are called the same in every wing.
        located = [task.located(problem) for problem in error.problems]
        problems += [replace(p, place=f"{task.keys[0]}, {p.place}") for p in located]
    return NoPlanError(
        f"{count} wings have no design that keeps every rule",
        hint="change what stands beside each wing below; the designs of the others are kept",
        problems=problems,
    )


def _named(task: Task) -> str:
    """Return the words for the wings of a task: one problem, or several that are alike."""
    first, *others = task.keys
    if not others:
        return f"wing {first}"
    named = f"wings {', '.join([first, *others[:-1]])} and {others[-1]}"
    return named if task.block else f"{named}, each"


def names_of(wings: Wings, measured: Mapping[str, tuple[Assumption, ...]]) -> dict[str, str]:
    """Return the name of the design of each wing, by the wing's key."""
    return {
        wing.key: _name(wing, wings, measured.get(wing.prison_id, ()))
        for sizing in wings.sizings.values()
        for wing in sizing.wings
    }


def _name(wing: Wing, wings: Wings, measured: tuple[Assumption, ...]) -> str:
    """Return what the wing's design goes by: its shape, and what is its own beside that.

    That is its network if it was surveyed, or those of its block, and what was measured of its
    prison's radio.
    """
    block, network = wings.blocks.get(wing.key), wings.networks.get(wing.key)
    if block is None and network is None and not measured:
        return shape_id(wing.shape)
    own = (wing.key, block, measured) if block else (wing.shape, network, measured)
    return sha256(msgspec.json.encode(own)).hexdigest()[:10]
