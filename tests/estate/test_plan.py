import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import estate.plan
from estate.errors import InputError
from estate.estimate import Estimate, Money
from estate.model import WingShape
from estate.pipeline import make_plan
from estate.plan import (
    SCHEMA,
    Plan,
    compare,
    json_schema,
    read_plan,
    shape_id,
    summary,
    write_plan,
)
from estate.workspace import Settings

SHIPPED_SCHEMA = Path(estate.plan.__file__).with_name("plan.schema.json")
RENEW = "import json; from estate.plan import json_schema as s; print(json.dumps(s(), indent=1))"


@pytest.fixture(scope="session")
def leaves(example_plan):
    """Return the plan as plain values, and the way to each of its texts and numbers."""
    content = json.loads(encoded(example_plan), parse_float=Decimal)
    assert decoded(content).named() == example_plan
    return content, [way for way in ways(content) if way != ("plan_id",)]


@pytest.fixture
def written(example_plan, tmp_path):
    """Return the file of a plan."""
    path = tmp_path / "plan.json"
    write_plan(example_plan, path)
    return path


def encoded(value):
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def decoded(content):
    return msgspec.json.decode(encoded(content), type=Plan)


def ways(value, way=()):
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list):
            yield from ways(part, (*way, key))
        elif part is not None:
            yield (*way, key)


def changed_at(content, way, change):
    """Return a copy of nested dicts and lists with the value at the end of a way changed."""
    key, *rest = way
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[key] = changed_at(content[key], rest, change) if rest else change(content[key])
    return copy


def another(value):
    if isinstance(value, str):
        return value + "!"
    return not value if isinstance(value, bool) else value + 1


# The name of a plan


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_plan_with_any_value_changed_has_another_id(example_plan, leaves, data):
    content, found = leaves
    way = data.draw(st.sampled_from(found))
    try:
        changed = decoded(changed_at(content, way, another))
    except msgspec.ValidationError:
        return  # Such as a rung that does not exist, or a low above its likely.

    assert changed.named().plan_id != example_plan.plan_id


def test_the_id_is_of_the_content_and_not_of_the_id_before(example_plan):
    assert replace(example_plan, plan_id="another").named() == example_plan


@pytest.mark.parametrize(
    "change",
    [
        {"typology": "linear_wing"},
        {"layout": ((12, 14, 12), (12, 14, 13))},
        {"material": "brick"},
        {"thickness_mm": 201},
        {"distance_to_comms_m": 45.5},
        {"containment": "full"},
        {"cabling": "cat6"},
    ],
)
def test_a_shape_has_another_id_when_any_of_its_facts_differs(change):
    shape = WingShape(
        typology="three_spur_houseblock",
        layout=((12, 14, 12), (12, 14, 12)),
        material="concrete",
        thickness_mm=200,
        distance_to_comms_m=45.0,
    )

    assert shape_id(replace(shape)) == shape_id(shape)
    assert shape_id(replace(shape, **change)) != shape_id(shape)


# The file


def test_a_plan_that_is_written_and_read_is_the_same_plan(example_plan, tmp_path):
    path = tmp_path / "plan.json"
    write_plan(example_plan, path)

    assert read_plan(path) == example_plan


def test_the_same_plan_is_written_in_the_same_bytes(written, tmp_path):
    again = tmp_path / "again.json"
    write_plan(read_plan(written), again)

    assert again.read_bytes() == written.read_bytes()


def test_pounds_are_written_as_numbers_to_the_penny(example_plan, written):
    capital = json.loads(written.read_text(), parse_float=Decimal)["totals"]["capital_gbp"]

    assert Money(**capital) == example_plan.totals.capital_gbp
    assert all(bound.as_tuple().exponent == -2 for bound in capital.values())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"marking": "OFFICIAL', '"marking": "PUBLIC'),
        ('"seed": 1,', '"seed": 2,'),
        ('"name": "Leeds (HMP)"', '"name": "Leeds"'),
        ('"verified": "no"', '"verified": "yes"'),
    ],
)
def test_a_plan_that_was_edited_is_refused(written, old, new):
    text = written.read_text(encoding="utf-8")
    assert old in text
    written.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(InputError, match="has been changed since it was made") as caught:
        read_plan(written)
    assert "estate plan" in caught.value.hint


def test_a_plan_of_another_schema_is_refused(example_plan, tmp_path):
    path = tmp_path / "plan.json"
    write_plan(replace(example_plan, schema=SCHEMA + 1).named(), path)

    with pytest.raises(InputError, match="another version"):
        read_plan(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\xff\xfe", b"prison,rank\n"])
def test_a_file_that_is_no_plan_is_refused_with_a_hint(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"plan\.json is not a plan") as caught:
        read_plan(path)
    assert "estate plan" in caught.value.hint


def test_a_file_that_is_absent_is_refused_with_a_hint(tmp_path):
    with pytest.raises(InputError, match="cannot read") as caught:
        read_plan(tmp_path / "plan.json")
    assert "estate plan" in caught.value.hint


def test_the_shipped_json_schema_is_that_of_the_plan():
    shipped = json.loads(SHIPPED_SCHEMA.read_text(encoding="utf-8"))

    assert shipped == json_schema(), f"renew it: python -c '{RENEW}' > {SHIPPED_SCHEMA}"


def test_the_plan_that_is_written_meets_the_json_schema(written):
    jsonschema.Draft202012Validator.check_schema(json_schema())

    jsonschema.validate(json.loads(written.read_text(encoding="utf-8")), json_schema())


def test_the_json_schema_refuses_pounds_that_are_text(written):
    content = json.loads(written.read_text(encoding="utf-8"))
    content["totals"]["capital_gbp"]["likely"] = "1.00"

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json_schema())


# Totals


def test_the_totals_of_a_plan_are_the_sums_of_its_prisons(example_plan):
    plan = example_plan
    for total in ("capital", "replacement", "resource", "whole_life", "vat", "in_cell"):
        name = f"{total}_gbp"
        of_prisons = Money.total(getattr(s.totals, name) for s in plan.establishments)
        assert getattr(plan.totals, name) == of_prisons, name


def test_the_totals_of_a_prison_are_the_sums_of_its_lines(example_plan):
    for site in example_plan.establishments:
        lines = list(site.lines())
        net = Money.total(line.cost_gbp for line in lines if line.package != "VAT")
        vat = Money.total(line.cost_gbp for line in lines if line.package == "VAT")
        first = Money.total(
            line.cost_gbp
            for line in lines
            if line.package != "VAT" and (line.budget, line.phase) == ("capital", "initial")
        )
        found = site.totals
        assert (found.whole_life_gbp, found.vat_gbp, found.capital_gbp) == (net, vat, first)


def test_the_answer_counts_what_the_plan_holds(example_plan):
    answer = summary(example_plan, {"plan": "out/plan.json"})

    assert answer["schema"] == SCHEMA
    assert answer["establishments"] == 6
    assert answer["priced"] == 5
    assert [e["prison_id"] for e in answer["excluded"]] == ["FYI"]
    assert answer["cells"] == sum(site.cells for site in example_plan.establishments)
    assert answer["cost_per_cell_gbp"]["likely"] == pytest.approx(
        answer["capital_gbp"]["likely"] / answer["cells"], abs=0.005
    )


# Comparing


def test_a_plan_does_not_differ_from_itself(example_plan):
    found = compare(example_plan, example_plan)

    assert found.establishments == ()
    assert found.inputs_changed == found.settings_changed == ()
    assert found.assumptions_changed == found.rates_changed == ()
    assert found.capital_change_gbp == found.whole_life_change_gbp == 0


def test_a_changed_rate_is_named_with_what_it_costs(example, example_plan):
    device = example.rates["device"]
    dearer = replace(device, rate=Estimate(350, 650, 900))  # 100 pounds more at the likely value.
    after = make_plan(replace(example, rates={**example.rates, "device": dearer}), Settings())

    found = compare(example_plan, after)

    devices = sum(
        int(line.quantity.likely)
        for site in example_plan.establishments
        for line in site.lines()
        if (line.item, line.phase) == ("device", "initial")
    )
    assert found.rates_changed == ("device",)
    assert found.assumptions_changed == found.inputs_changed == found.settings_changed == ()
    assert found.capital_change_gbp == 100 * devices
    assert [site.prison_id for site in found.establishments] == ["BFI", "EYI", "FMI", "LEI", "MDI"]
    assert sum(site.capital_change_gbp for site in found.establishments) == 100 * devices


def test_changed_settings_assumptions_and_inputs_are_named(example, example_plan, assuming):
    spares = assuming(example.assumptions, {"spare_devices": Estimate(0, 0, 0)})
    moved = replace(example, assumptions=spares, sha256={**example.sha256, "rates.csv": "0" * 64})

    found = compare(example_plan, make_plan(moved, Settings(seed=2, marking="PUBLIC")))

    assert found.settings_changed == ("marking", "seed")
    assert found.assumptions_changed == ("spare_devices",)
    assert found.inputs_changed == ("rates.csv",)
    assert found.capital_change_gbp < 0


def test_a_prison_that_leaves_has_no_rank_and_no_cells_after(example, example_plan):
    staying = tuple(p for p in example.establishments if p.prison_id != "LEI")
    after = make_plan(replace(example, establishments=staying), Settings())

    found = compare(example_plan, after)

    leeds = next(site for site in found.establishments if site.prison_id == "LEI")
    before = example_plan.site("LEI")
    assert leeds.name == "Leeds (HMP)"
    assert leeds.cells == (before.cells, 0)
    assert leeds.rank[1] is None
    assert leeds.whole_life_change_gbp == -before.totals.whole_life_gbp.likely
