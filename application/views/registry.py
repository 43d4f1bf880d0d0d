"""Every view there is."""

from application.views.benchmark import benchmarks
from application.views.dataset import datasets
from application.views.device_profile import device_profiles
from application.views.dispatch import dispatch
from application.views.invitation import invitations
from application.views.job import jobs
from application.views.model import models
from application.views.quota import quotas
from application.views.tenant import tenants
from application.views.view import View

VIEWS: tuple[View, ...] = (
    tenants,
    invitations,
    quotas,
    models,
    datasets,
    device_profiles,
    jobs,
    benchmarks,
    dispatch,
)
