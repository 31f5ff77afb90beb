"""Where calls go: addresses, headers, keys and proxies, as the SDK's configuration has them."""

from __future__ import annotations

import asyncio
import base64

import pytest

from pipelines.llm.connection import Address, addresses
from pipelines.llm.settings import Endpoint
from pipelines.llm.transport import LiveBackend
from pipelines.llm.wire import EndpointRefused, Request
from tests.llm_server import LlmServer
from tests.pipelines.llm.free_meter import FreeMeter


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-tests")


def address(url: str | None, api_version: str | None = None) -> Address:
    given = Endpoint(model="gpt", base_url=(url,) if url else (), api_version=api_version)
    return asyncio.run(addresses("writer", given))[0]


@pytest.mark.parametrize(
    ("base_url", "api_version", "url"),
    [
        (None, None, "https://api.openai.com/v1/chat/completions"),
        ("https://api.deepseek.com/v1/", None, "https://api.deepseek.com/v1/chat/completions"),
        ("http://localhost:8000/v1", None, "http://localhost:8000/v1/chat/completions"),
        ("https://a.openai.azure.com/openai/v1", None, "https://a.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://a.openai.azure.com/openai/v1/",
            "preview",
            "https://a.openai.azure.com/openai/v1/chat/completions?api-version=preview",
        ),
        (
            "https://a.openai.azure.com",
            "2024-10-21",
            "https://a.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://a.openai.azure.com/openai/deployments/other",
            "2024-10-21",
            "https://a.openai.azure.com/openai/deployments/other/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_urls(base_url: str | None, api_version: str | None, url: str) -> None:
    found = address(base_url, api_version)
    assert found.url == url
    name, value = ("api-key", "") if "deployments" in url else ("Authorization", "Bearer ")
    assert found.headers[name] == f"{value}sk-secret-of-the-tests"
    assert "sk-secret" not in repr(found)
    assert not [header for header in found.headers if "stainless" in header.lower()]


def test_the_base_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.1:8000/v1")
    assert address(None).url == "http://10.0.0.1:8000/v1/chat/completions"


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "HTTPS_PROXY"])
def test_an_address_of_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://me:hush@10.0.0.1:99999/v1")
    with pytest.raises(EndpointRefused, match="99999/v1` is no address") as refused:
        address(None)
    assert "hush" not in str(refused.value)


def test_azure_without_a_version_is_told_what_it_lacks() -> None:
    with pytest.raises(EndpointRefused, match="api_version"):
        address("https://a.openai.azure.com/")


@pytest.mark.parametrize("url", [None, "https://api.deepseek.com/v1", "https://dashscope.aliyuncs.com/compatible/v1"])
def test_an_unset_key_is_named(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EndpointRefused, match=r"llm\.writer: .* OPENAI_API_KEY is not set"):
        address(url)


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "Authorization" not in address("http://10.0.0.1:8000/v1").headers


@pytest.mark.parametrize("key", ["sk-a b", "sk-a\nX-Evil: 1", "“sk-quoted”", "sk-\x07"])
def test_a_key_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(EndpointRefused, match="OPENAI_API_KEY") as refused:
        address(None)
    assert key not in str(refused.value)


def test_a_line_end_after_the_key_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-a-file\n")
    assert address(None).headers["Authorization"] == "Bearer sk-from-a-file"


def test_a_login_in_the_address_travels_as_a_header_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    found = address("https://me:pass%20word@llm.example.org/v1")
    assert found.headers["Authorization"] == "Basic " + base64.b64encode(b"me:pass word").decode()
    assert found.url == "https://llm.example.org/v1/chat/completions"
    assert "pass" not in repr(found)
    assert "pass word" in found.secrets


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy.example.org:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    found = address("https://llm.example.org/v1")
    assert found.proxy == "http://proxy.example.org:3128"
    assert found.proxy_headers == {"Proxy-Authorization": "Basic " + base64.b64encode(b"user:word").decode()}
    assert address("https://inside.example.org/v1").proxy is None
    assert address("http://127.0.0.1:8000/v1").proxy is None
    assert address("http://localhost:8000/v1").proxy is None


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example.org:1080")
    with pytest.raises(EndpointRefused, match="socks5"):
        address(None)


def test_calls_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with LlmServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")

        async def run() -> str:
            endpoint = Endpoint(model="m", base_url=("http://llm.invalid/v1",))
            backend = LiveBackend("writer", endpoint, FreeMeter())
            try:
                return (await backend.complete(Request("k", "writer", {"model": "m", "messages": []}, 1, 1))).text
            finally:
                await backend.close()

        assert asyncio.run(run())
        assert proxy.headers[-1][":path"].startswith("http://llm.invalid/v1/")


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with LlmServer() as thief, LlmServer(always=f"307 location={thief.base_url}/chat/completions") as server:

        async def run() -> None:
            backend = LiveBackend("writer", Endpoint(model="m", base_url=(server.base_url,)), FreeMeter())
            try:
                with pytest.raises(EndpointRefused, match="base_url"):
                    await backend.complete(Request("k", "writer", {"model": "m", "messages": []}, 1, 1))
            finally:
                await backend.close()

        asyncio.run(run())
        assert thief.stats().n_requests == 0
