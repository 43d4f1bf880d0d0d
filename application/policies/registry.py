"""Every policy there is."""

from application.policies.policy import Policy
from application.policies.refunds import refunds
from application.policies.slots import slots
from application.policies.variants import variants

POLICIES: tuple[Policy, ...] = (variants, refunds, slots)
