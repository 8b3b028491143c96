"""Settings: options before variables before defaults, and errors that name the variable."""

import re
from base64 import b64encode
from dataclasses import fields, replace
from pathlib import Path

import pytest
from platformdirs import user_data_path

from hashing.coverage import Problem
from hashing.media import Limits
from service.archives import ArchiveLimits, ArchiveProblem
from service.errors import BadSetting
from service.limits import LEAST, ServiceLimits
from service.settings import (
    ARCHIVE_LIMITS,
    MEDIA_LIMITS,
    SERVICE_LIMITS,
    VARIABLES,
    LogForm,
    Sandbox,
    Settings,
    from_environment,
)
from service.targets import AllowedHost


def test_the_defaults_are_those_of_the_table() -> None:
    defaults = {variable.name: variable.default for variable in VARIABLES}

    settings = from_environment({})

    assert settings == Settings(
        database=user_data_path("recirc") / "recirc.sqlite3",
        host=defaults["RECIRC_HOST"],
        port=int(defaults["RECIRC_PORT"]),
        body_limit_bytes=int(defaults["RECIRC_BODY_LIMIT_BYTES"]),
        sandbox=Sandbox(defaults["RECIRC_SANDBOX"]),
        check_wall_s=int(defaults["RECIRC_CHECK_WALL_S"]),
        check_cpu_s=int(defaults["RECIRC_CHECK_CPU_S"]),
        check_memory_mib=int(defaults["RECIRC_CHECK_MEMORY_MIB"]),
        index=user_data_path("recirc") / "recirc.sqlite3.index",
        media=Limits(),
        archives=ArchiveLimits(),
    )
    assert settings.host == "127.0.0.1"  # loopback, unless said and keys exist
    assert settings.hosts == frozenset()


def test_each_setting_has_a_variable() -> None:
    limits = [*fields(Limits), *fields(ArchiveLimits), *fields(ServiceLimits)]
    assert len(VARIABLES) == len(fields(Settings)) - 3 + len(limits)
    assert [*MEDIA_LIMITS, *ARCHIVE_LIMITS, *SERVICE_LIMITS] == [one.name for one in limits]
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)
    assert all(variable.name.startswith("RECIRC_") for variable in VARIABLES)


@pytest.mark.parametrize("name", MEDIA_LIMITS)
def test_a_limit_of_media_is_a_setting(name: str) -> None:
    settings = from_environment({MEDIA_LIMITS[name].name: "7"})

    assert settings.media == replace(Limits(), **{name: 7})


@pytest.mark.parametrize("name", ARCHIVE_LIMITS)
def test_a_limit_of_archives_is_a_setting(name: str) -> None:
    settings = from_environment({ARCHIVE_LIMITS[name].name: "7"})

    assert settings.archives == replace(ArchiveLimits(), **{name: 7})


@pytest.mark.parametrize("name", ["RECIRC_FETCH_HOSTS", "RECIRC_WEBHOOK_HOSTS"])
def test_hosts_are_named_with_commas(name: str) -> None:
    settings = from_environment({name: " media.example.org , *.cdn.example.org:8443 ,"})
    found = settings.fetch_hosts if "FETCH" in name else settings.webhook_hosts

    assert found == (
        AllowedHost("https", "media.example.org", 443),
        AllowedHost("https", "cdn.example.org", 8443, below=True),
    )
    for wrong in ("media.example.org/x", "*", "a,b c"):
        with pytest.raises(BadSetting, match=name):
            from_environment({name: wrong})


def test_secrets_are_those_of_standard_webhooks_and_shown_to_nobody() -> None:
    name, secret = "RECIRC_WEBHOOK_SECRET", b64encode(bytes(range(24))).decode()
    settings = from_environment({name: f"whsec_{secret}, whsec_{secret}"})

    assert settings.webhook_secrets == (bytes(range(24)),) * 2
    assert secret not in repr(settings)
    assert repr(bytes(range(24))) not in repr(settings)
    for wrong in (
        secret,
        "whsec_",
        f"whsec_{secret[:-8]}",
        f"whsec_{secret}!",
        "whsec_" + "A" * 88,
    ):
        with pytest.raises(BadSetting, match=name) as raised:
            from_environment({name: wrong})
        assert wrong not in str(raised.value) or wrong == "whsec_"


@pytest.mark.parametrize("name", SERVICE_LIMITS)
def test_a_limit_of_the_service_is_a_setting(name: str) -> None:
    settings = from_environment({SERVICE_LIMITS[name].name: "7"})

    assert settings.limits == replace(ServiceLimits(), **{name: 7})


@pytest.mark.parametrize("name", SERVICE_LIMITS)
def test_a_limit_of_the_service_has_a_least_value(name: str) -> None:
    least = {SERVICE_LIMITS[name].name: str(LEAST.get(name, 1))}
    below = {SERVICE_LIMITS[name].name: str(LEAST.get(name, 1) - 1)}

    from_environment(least)
    with pytest.raises(BadSetting, match=SERVICE_LIMITS[name].name):
        from_environment(below)


def test_each_limit_names_a_code_of_its_own_that_answers_have() -> None:
    codes = {str(code) for code in (*Problem, *ArchiveProblem)}
    named = [
        found
        for variable in (*MEDIA_LIMITS.values(), *ARCHIVE_LIMITS.values())
        for found in re.findall("`([a-z_]+)`", variable.meaning)
    ]

    assert set(named) <= codes
    assert len(named) == len(set(named)) == len(MEDIA_LIMITS) + len(ARCHIVE_LIMITS) - 1


ENVIRONMENT = {
    "RECIRC_DB": "lists.db",
    "RECIRC_HOST": "::1",
    "RECIRC_PORT": " 0 ",
    "RECIRC_BODY_LIMIT_BYTES": "1024",
    "RECIRC_SANDBOX": "limits-only",
    "RECIRC_CHECK_WALL_S": "7",
    "RECIRC_CHECK_CPU_S": "8",
    "RECIRC_CHECK_MEMORY_MIB": "192",
    "RECIRC_INDEX": "/there",
    "RECIRC_OTHER": "?",
}


def test_a_variable_goes_before_the_default() -> None:
    settings = from_environment(ENVIRONMENT)

    assert settings == Settings(
        Path("lists.db"), "::1", 0, 1024, Sandbox.LIMITS_ONLY, 7, 8, 192, settings.index
    )


def test_an_option_goes_before_the_variable() -> None:
    settings = from_environment(
        ENVIRONMENT, database=Path("b"), host="localhost", port=9, sandbox="full"
    )

    assert settings == Settings(
        Path("b"), "localhost", 9, 1024, Sandbox.FULL, 7, 8, 192, settings.index
    )


@pytest.mark.parametrize(
    ("value", "form"),
    [(None, None), ("", None), ("json", LogForm.JSON), (" text ", LogForm.TEXT)],
)
def test_how_to_log_is_told_or_left_to_standard_error(
    value: str | None, form: LogForm | None
) -> None:
    assert from_environment({} if value is None else {"RECIRC_LOG": value}).log is form


@pytest.mark.parametrize(("value", "age_s"), [("", None), ("0", None), ("1", 1), ("86400", 86400)])
def test_lists_may_be_as_old_as_is_told(value: str, age_s: int | None) -> None:
    assert from_environment({"RECIRC_LIST_MAX_AGE_S": value}).list_max_age_s == age_s


def test_databases_share_no_index_folder() -> None:
    """Not even those of one name: their lists' index files would take each other's places."""
    folders = [
        from_environment(ENVIRONMENT, database=Path(path)).index
        for path in ("b", "a/b", "a/c", "b")
    ]

    assert all(folder is not None and folder.parent == Path("/there") for folder in folders)
    assert (len(set(folders)), folders[0]) == (3, folders[3])


def test_an_index_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"")

    with pytest.raises(BadSetting, match="RECIRC_INDEX"):
        from_environment({"RECIRC_INDEX": str(taken)})


def test_host_names_are_read_as_people_write_them() -> None:
    hosts = from_environment({"RECIRC_HOSTS": " A.example,, b.example ,[2001:DB8::1],"}).hosts

    assert hosts == {"a.example", "b.example", "2001:db8::1"}


def test_a_variable_set_to_nothing_is_not_set() -> None:
    assert from_environment(dict.fromkeys(ENVIRONMENT, "")) == from_environment({})


def test_a_tilde_is_the_home_folder() -> None:
    assert from_environment({"RECIRC_DB": "~/a.db"}).database == Path.home() / "a.db"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        pytest.param("RECIRC_PORT", "http", "not a whole number", id="port a word"),
        pytest.param("RECIRC_PORT", "-1", "not a whole number", id="port negative"),
        pytest.param("RECIRC_PORT", "٣", "not a whole number", id="port in other digits"),
        pytest.param("RECIRC_PORT", "9" * 5000, "not a whole number", id="port of 5000 digits"),
        pytest.param("RECIRC_PORT", "65536", "not from 0 to 65535", id="port too high"),
        pytest.param("RECIRC_HOST", "a b", "not an address", id="host with a blank"),
        pytest.param("RECIRC_HOST", "é", "not an address", id="host not ASCII"),
        pytest.param("RECIRC_HOSTS", "a.example:80", "no host name", id="hosts with a port"),
        pytest.param("RECIRC_HOSTS", "a.example,*", "no host name", id="hosts with a star"),
        pytest.param("RECIRC_HOSTS", "http://a.example", "no host name", id="hosts with a URL"),
        pytest.param("RECIRC_HOSTS", "é.example", "no host name", id="hosts not ASCII"),
        pytest.param("RECIRC_BODY_LIMIT_BYTES", "1023", "not from 1024", id="limit too low"),
        pytest.param("RECIRC_BODY_LIMIT_BYTES", "1e9", "not a whole number", id="limit a float"),
        pytest.param("RECIRC_LIMIT_FRAMES", "0", "not from 1", id="no frames"),
        pytest.param("RECIRC_LIMIT_SECONDS", "1h", "not a whole number", id="seconds in words"),
        pytest.param("RECIRC_ZIP_LIMIT_RATIO", "1" * 18, "not from 1 to", id="absurd ratio"),
        pytest.param("RECIRC_LOG", "xml", "not json or text", id="another form of logs"),
        pytest.param("RECIRC_LIST_MAX_AGE_S", "-1", "not a whole number", id="no age"),
        pytest.param("RECIRC_DB", "/", "not the name of a file", id="database a folder"),
        pytest.param("RECIRC_DB", "~nobody-there/a", "nobody-there", id="no such home"),
    ],
)
def test_an_error_names_the_variable(name: str, value: str, why: str) -> None:
    with pytest.raises(BadSetting) as raised:
        from_environment({name: value})

    assert str(raised.value).startswith(name)
    assert why in str(raised.value)
    assert raised.value.code == "bad_setting"


def test_a_wrong_option_is_an_error_too() -> None:
    with pytest.raises(BadSetting, match="RECIRC_PORT: 70000 is not"):
        from_environment({}, port=70_000)
    with pytest.raises(BadSetting, match="RECIRC_HOST"):
        from_environment({}, host="")
