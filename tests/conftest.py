"""How Hypothesis makes its examples.

The same ones each time, however long a machine takes for them: what has passed once passes again,
and a change is judged by itself. To look for new ones: ``pytest --hypothesis-profile=search``.
"""

from hypothesis import HealthCheck, settings

_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("same", _PATIENT, derandomize=True)
settings.register_profile("search", _PATIENT, max_examples=1000)
settings.load_profile("same")
