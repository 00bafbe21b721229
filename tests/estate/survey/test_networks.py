from shapely import LineString


def test_what_stands_already_is_in_the_network_with_what_is_free_in_it(sheet, result):
    sheet.change(
        "spans",
        "LEI-A/run-1-002",
        state="existing",
        fill_percent=25,
        width_mm=150,
        depth_mm=50,
    )
    sheet.change(
        "distributors",
        "LEI-A/distributor",
        state="existing",
        ports_free=30,
        switch_ports_free=12,
        rack_units_free=9,
        power_free_w=1500,
    )
    sheet.change("outlets", "LEI-A/outlet-1-001", state="existing", category="cat6")

    network = result().networks["LEI-A"]

    span = {s.span_id: s for s in network.spans}["LEI-A/run-1-002"]
    assert (span.state, span.fill_percent, span.cross_section_mm2) == ("existing", 25.0, 7500.0)
    (rack,) = network.distributors
    assert (rack.state, rack.ports_free, rack.switch_ports_free) == ("existing", 30, 12)
    assert (rack.rack_units_free, rack.power_free_w) == (9, 1500.0)
    first, *others = network.outlets
    assert (first.state, first.category) == ("existing", "cat6")
    assert {(outlet.state, outlet.category) for outlet in others} == {("new", "")}


def test_a_telephony_pair_is_in_the_network_with_its_test(sheet, result):
    sheet.change(
        "outlets",
        "LEI-A/outlet-1-001",
        state="existing",
        category="voice",
        pair_test="passed",
        pair_mbps=95.5,
    )

    first, second, *_ = result().networks["LEI-A"].outlets

    assert (first.category, first.pair_test, first.pair_mbps) == ("voice", "passed", 95.5)
    assert (second.pair_test, second.pair_mbps) == ("untested", None)


def test_access_points_and_cables_that_are_drawn_are_in_the_network_of_their_wing(sheet, result):
    at = sheet.geometry("outlets", "LEI-A/outlet-1-001")
    run = sheet.geometry("spans", "LEI-A/run-1-002")
    sheet.add("access_points", access_point_id="AP", floor=0, state="existing", geometry=at)
    sheet.add(
        "cables",
        cable_id="pairs",
        floor=0,
        kind="voice",
        free_count=8,
        state="existing",
        geometry=run,
    )

    networks = result().networks

    (point,), (cable,) = networks["LEI-A"].access_points, networks["LEI-A"].cables
    assert (point.state, point.space_id) == ("existing", "LEI-A/cell-1-001")
    assert (cable.kind, cable.free_count, cable.cable_count) == ("voice", 8, None)
    assert cable.route == tuple(run.coords)
    assert (networks["LEI-B"].access_points, networks["LEI-B"].cables) == ((), ())


def test_what_a_draft_does_not_state_is_not_stated_in_the_network(result):
    network = result().networks["LEI-A"]

    assert {(s.state, s.fill_percent, s.cross_section_mm2) for s in network.spans} == {
        ("new", None, None)
    }
    (rack,) = network.distributors
    assert (rack.state, rack.ports_free, rack.rack_units_free) == ("new", None, None)


def test_a_line_that_bends_is_followed_round_its_corners(sheet, result):
    start, end = sheet.geometry("spans", "LEI-A/run-1-002").coords
    corners = [(start[0], start[1] - 0.5), (end[0], end[1] - 0.5)]
    bent = LineString([start, *corners, end])
    sheet.change("spans", "LEI-A/run-1-002", geometry=bent, length_m=None)

    network = result().networks["LEI-A"]

    pieces = [span for span in network.spans if span.span_id.startswith("LEI-A/run-1-002#")]
    at = {junction.junction_id: junction.at for junction in network.junctions}
    assert [at[piece.end] for piece in pieces] == [*corners, end]
    # Half a metre away from the wall, 2.4 m along it and back.
    assert [round(piece.length_m, 3) for piece in pieces] == [0.5, 2.4, 0.5]


def test_corners_of_trays_side_by_side_do_not_join_them(sheet, result):
    start, end = sheet.geometry("spans", "LEI-A/run-1-002").coords
    lines = {
        name: LineString([start, (start[0], y), (end[0], y), end])
        for name, y in (("one", start[1] - 0.5), ("other", start[1] - 0.55))
    }
    for name, line in lines.items():
        sheet.add("spans", span_id=name, floor=0, containment="tray", geometry=line)

    spans = result().networks["LEI-A"].spans

    middles = [span for span in spans if span.span_id in {"one#2", "other#2"}]
    assert len({span.start for span in middles} | {span.end for span in middles}) == 4


def test_free_ports_of_a_rack_to_which_two_wings_lead_are_used_once(sheet, result):
    racks = sheet.read("distributors").set_index("wing").geometry
    name = sheet.read("distributors").query("wing == 'A'").distributor_id.iloc[0]
    sheet.change("distributors", name, state="existing", switch_ports_free=24)
    sheet.add(
        "spans",
        span_id="between",
        wing="B",
        floor=0,
        containment="duct",
        state="existing",
        geometry=LineString([racks["B"], racks["A"]]),
    )

    networks = result().networks

    parts = [
        distributor.switch_ports_free
        for network in networks.values()
        for distributor in network.distributors
        if distributor.distributor_id == name
    ]
    assert len(parts) == 2
    assert sum(parts) == 24
