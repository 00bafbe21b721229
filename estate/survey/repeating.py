"""The network of a wing of which a survey says nothing new: as its shape is laid out."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from estate.model import Grade
from estate.network import placed, shift_between
from estate.typology import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Network, Span, Wing

_DRAWN = ("spaces", "walls", "doors", "distributors", "outlets")


def as_laid_out(network: Network, wing: Wing) -> Network:
    """Return a wing's network with the joints and order of its layout, where it repeats that.

    Of designs that cost the same a search takes the first that it meets, and noise and what
    follows from it are those of this one. So what joints are called, and what comes first,
    changes a cost by parts of a percent: a draft that nobody touched is to change none.
    """
    home = lay_out(wing.shape)
    shift_m = shift_between(home, network)
    laid = placed(home, prefix=wing.key, offset=shift_m, key_of=wing.key_of)
    if network.access_points or network.cables or set(_said(network)) != set(_said(laid)):
        return network
    held = {layer: {_name(each): each for each in getattr(network, layer)} for layer in _DRAWN}
    spans = {span.span_id: span for span in network.spans}
    ordered: dict[str, Any] = {
        layer: tuple(held[layer][_name(each)] for each in getattr(laid, layer)) for layer in _DRAWN
    }
    return replace(
        network,
        **ordered,
        junctions=laid.junctions,
        spans=tuple(
            replace(spans[span.span_id], start=span.start, end=span.end) for span in laid.spans
        ),
    )


def _said(network: Network) -> Iterator[object]:
    """Yield what a network says, but for its order, its joints' names and how well it is known."""
    for layer in _DRAWN:
        for each in getattr(network, layer):
            yield layer, replace(each, grade=Grade.ASSUMED, source="")
    places = {
        **{joint.junction_id: (joint.floor, joint.at) for joint in network.junctions},
        **{rack.distributor_id: (rack.floor, rack.at) for rack in network.distributors},
        **{outlet.outlet_id: (outlet.floor, outlet.at) for outlet in network.outlets},
    }
    for span in network.spans:
        yield _bare(span), frozenset((places[span.start], places[span.end]))


def _bare(span: Span) -> Span:
    plain = replace(span, grade=Grade.ASSUMED, source="", start="", end="x")
    return replace(plain, length_m=round(span.length_m, 3))


def _name(feature: Any) -> str:
    return str(getattr(feature, fields(feature)[0].name))
