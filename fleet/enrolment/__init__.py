"""From first contact with a device to a live one, alone or thousands at a time."""

from fleet.enrolment.bulk import Enrolled, Outcome, Plan, enrol_devices, plan
from fleet.enrolment.candidates import read_candidates
from fleet.enrolment.contact import Centre

__all__ = ["Centre", "Enrolled", "Outcome", "Plan", "enrol_devices", "plan", "read_candidates"]
