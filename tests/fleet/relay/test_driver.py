"""Orders by way of relays: what the centre asks of them, and believes."""

import json

from fleet.relay.driver import RelayDriver
from fleet.relay.message import Kind
from tests.fleet.relay.prison import Mail


def test_what_the_relay_keeps_no_request_of_is_asked_of_devices_by_the_relay_all_the_same(prison):
    request = prison.lock()
    prison.carry_out()
    devices, silent = prison.devices(), prison.devices()[0].device
    prison.estate.wire.silent.add(silent)
    # As if it had come wave by wave, as updates do; nothing goes to devices but by the relay.
    prison.forget_that_relays_were_sent(request)
    driver = RelayDriver(centre=prison.centre, direct=None)

    replies = {reply.device.device: reply for reply in driver.prove(devices, request.request)}

    assert replies.keys() == {device.device for device in devices}
    assert [n for n, reply in replies.items() if reply.proof is None] == [silent]
    assert replies[silent].is_unreachable


def test_what_a_relay_does_not_tell_in_time_is_left_open(prison):
    request = prison.lock()
    prison.carry_out()
    prison.forget_that_relays_were_sent(request)
    prison.centre.posts = {"XAA": Mail(withholds=True)}
    driver = RelayDriver(centre=prison.centre, direct=None, patience_s=0.1)

    replies = list(driver.prove(prison.devices(), request.request))

    assert {str(reply.error) for reply in replies} == {"XAA's relay has not reported it"}
    assert all(reply.sent for reply in replies)


def test_a_prison_whose_broker_does_not_answer_keeps_no_other_from_its_orders(prison):
    prison.carry_out()
    down = Mail(is_down=True)
    prison.centre.posts = {"XAA": prison.mail, "XAB": down}

    sent, missed = prison.centre.send_each(Kind.NEWS, {"XAA": {}, "XAB": {}})

    assert (list(sent), list(missed)) == (["XAA"], ["XAB"])
    assert [json.loads(one["message"])["kind"] for one in prison.mail.sent[-1:]] == ["news"]
