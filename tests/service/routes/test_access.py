"""Every route states the scope that it needs, and lets nobody in without."""

import importlib
import pkgutil

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from service import app, issuing, routes
from service.callers import OF_KEYS, Scope
from service.routes import access
from tests.memory_store import MemoryStore
from tests.service.calls import Caller

# Routes of a module that the app does not have would be no danger; a module of routes is one that
# has a router.
ROUTERS = [
    found.router
    for module in pkgutil.iter_modules(routes.__path__, f"{routes.__name__}.")
    if hasattr(found := importlib.import_module(module.name), "router")
]
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
STATED = [
    pytest.param(method, route.path, access.stated(route), id=f"{method} {route.path}")
    for route in ROUTES
    for method in sorted(route.methods or ())
]
PUBLIC = {"/livez", "/readyz"}


def test_all_routes_are_looked_at() -> None:
    assert all(isinstance(route, APIRoute) for router in ROUTERS for route in router.routes)
    assert len(ROUTES) >= 20
    assert set(map(id, ROUTERS)) == set(map(id, app.ROUTERS))


@pytest.mark.parametrize(("method", "path", "scope"), STATED)
def test_every_route_states_its_scope(method: str, path: str, scope: Scope | None) -> None:
    assert method
    assert scope is not None
    assert (scope is Scope.PUBLIC) == (path in PUBLIC)


def test_a_route_that_states_none_would_be_seen() -> None:
    router = APIRouter()
    router.get("/v1/secrets")(lambda: None)

    assert [access.stated(route) for route in router.routes] == [None]
    assert access.public([router]) == frozenset()


def call_of(caller: Caller, method: str, path: str) -> httpx.Response:
    return caller(method, path.format(list="a", id="0123456789ab"), content=b"{}")


@pytest.mark.parametrize(("method", "path", "scope"), STATED)
def test_no_route_is_open_to_a_lower_scope(
    call: Caller, store: MemoryStore, method: str, path: str, scope: Scope
) -> None:
    issued = {one: issuing.create(store, "a name", one) for one in OF_KEYS.values()}

    statuses = {
        held: call_of(call.with_key(one.key), method, path).status_code
        for held, one in issued.items()
    }
    without = call_of(call, method, path).status_code

    assert {held for held, status in statuses.items() if status == 403} == {
        held for held in issued if held < scope
    }
    assert (without == 401) == (scope is not Scope.PUBLIC)
    assert 401 not in statuses.values()


@pytest.mark.parametrize(
    ("path", "status"), [("/openapi.json", 200), ("/v2", 401), ("/docs", 401), ("/", 401)]
)
def test_a_stranger_finds_the_description_and_nothing_else(
    call: Caller, store: MemoryStore, path: str, status: int
) -> None:
    issuing.create(store, "a name", Scope.CHECK)

    assert call("GET", path).status_code == status


def test_the_description_names_the_scope_of_each_operation(call: Caller) -> None:
    document = call("GET", "/openapi.json").json()

    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (scope,) = (
                access.stated(route)
                for route in ROUTES
                if route.path == path and method.upper() in (route.methods or ())
            )
            needed = [] if scope in (None, Scope.PUBLIC) else [{"key": [scope.word]}]
            assert operation.get("security", []) == needed, (method, path)
            described = {
                code
                for response in operation["responses"].values()
                for media in response.get("content", {}).values()
                for code in media.get("examples", {})
            }
            assert ({"unauthorized", "forbidden"} <= described) == bool(needed)
