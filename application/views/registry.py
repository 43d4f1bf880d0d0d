"""Every view there is."""

from application.views.benchmark import benchmarks
from application.views.dataset import datasets
from application.views.device import devices
from application.views.device_certificate import device_certificates
from application.views.device_claim import device_claims
from application.views.device_command import device_commands
from application.views.device_group import device_groups
from application.views.device_messages import device_messages
from application.views.device_profile import device_profiles
from application.views.dispatch import dispatch
from application.views.invitation import invitations
from application.views.job import jobs
from application.views.model import models
from application.views.quota import quotas
from application.views.rollout import rollouts
from application.views.rollout_wakes import rollout_wakes
from application.views.tenant import tenants
from application.views.update import updates
from application.views.view import View

VIEWS: tuple[View, ...] = (
    tenants,
    invitations,
    quotas,
    models,
    datasets,
    device_profiles,
    devices,
    device_certificates,
    device_commands,
    device_claims,
    device_groups,
    jobs,
    benchmarks,
    rollouts,
    updates,
    dispatch,
    device_messages,
    rollout_wakes,
)
