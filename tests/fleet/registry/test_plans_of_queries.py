"""What is asked before each wave is found by an index, however much is over or elsewhere."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text

from fleet.device import NewDevice
from fleet.registry.readings import set_desired
from fleet.registry.requests import keep_request, requests_left, set_intents
from fleet.scope import Scope
from fleet.topology import Element, ServedCell, Topology

PRISONS, EACH = 20, 50
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def estate(registry):
    """Return a registry of many prisons, in which a request is proven by all but one device."""
    prisons = [f"P{n:02d}" for n in range(PRISONS)]
    elements = tuple(Element(id=f"{p}/uplink", kind="uplink", prison_id=p) for p in prisons)
    cells = tuple(
        ServedCell(cell=f"{p}-A-1-{n:03d}", element=f"{p}/uplink", prison_id=p, wing="A")
        for p in prisons
        for n in range(EACH)
    )
    registry.load_locations(Topology(elements=elements, cells=cells))
    new = [NewDevice(serial=one.cell, cell=one.cell) for one in cells]
    names = registry.add(new, by="test", why="test")
    with registry.writing() as connection:
        meant = dict.fromkeys(names, "0a")
        keep_request(connection, "R-1", nonce="1", encoded=b"{}", devices=meant, at=NOW)
        moves = [{"device": name, "before": "waiting", "state": "proven"} for name in names[:-1]]
        set_intents(connection, "R-1", moves, NOW)
    return registry


def plans(registry, act):
    """Return how the database goes about what `act` asks of a connection."""
    asked = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        asked.append((statement, parameters[0] if many else parameters))

    event.listen(registry.engine, "before_cursor_execute", note)
    try:
        with registry.writing() as connection:
            act(connection)
    finally:
        event.remove(registry.engine, "before_cursor_execute", note)
    explained = [one for one in asked if one[0].startswith(("SELECT", "DELETE", "UPDATE"))]
    with registry.writing() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:  # So small a table is read whole; one of the estate is not.
            connection.execute(text("ANALYZE"))
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        words = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        rows = [
            str(tuple(row))
            for statement, parameters in explained
            for row in connection.exec_driver_sql(f"{words} {statement}", parameters)
        ]
    return "\n".join(rows)


def test_what_is_left_of_a_request_is_found_without_what_is_over(estate):
    found = plans(estate, requests_left)

    assert "intents_left" in found


def test_a_prison_s_devices_are_found_without_those_of_others(estate):
    found = plans(estate, lambda _connection: estate.devices(Scope.parse("P07")))

    assert "SCAN devices" not in found
    assert "Seq Scan on devices" not in found


def test_a_device_s_wish_is_replaced_by_its_key(estate):
    wanted = {name.device: {"ruleset_sha256": "0a"} for name in estate.devices(Scope.parse("P01"))}

    found = plans(estate, lambda connection: set_desired(connection, wanted))

    assert "SCAN desired" not in found
    assert "Seq Scan on desired" not in found


def test_a_place_names_the_devices_in_its_cells_and_no_others(estate):
    assert len(estate.devices(Scope.parse("P07"))) == EACH
    assert len(estate.devices(Scope.parse("P07/A"))) == EACH
    assert [d.cell for d in estate.devices(Scope.parse("P07-A-1-003"))] == ["P07-A-1-003"]
