"""Where calls go: address, headers and proxy of each URL of an endpoint, by the `openai` SDK's own configuration."""

from __future__ import annotations

import base64
import ipaddress
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from pipelines.llm.settings import Endpoint, address_problem
from pipelines.llm.wire import EndpointRefused

_ASK_FOR_KEYS: Final = (
    "openai.com",
    "azure.com",
    "deepseek.com",
    "aliyuncs.com",
    "bigmodel.cn",
    "z.ai",
    "moonshot.cn",
    "moonshot.ai",
    "volces.com",
    "siliconflow.cn",
    "mistral.ai",
    "googleapis.com",
    "openrouter.ai",
    "anthropic.com",
    "groq.com",
    "minimax.chat",
    "minimaxi.com",
    "together.xyz",
    "x.ai",
)
"""Nobody answers there without one, so that no call is needed to find that out."""
_AZURE: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_UNSENT_HEADERS: Final = {"accept", "content-type", "user-agent", "authorization", "api-key"}


@dataclass(frozen=True)
class Address:
    """One URL to send chat completions to.

    Attributes:
        url: The whole of it, with its query.
        shown: The base URL for people, without a password or a query.
        headers: Of every call, the key among them: never shown.
        proxy: Of this URL, if any.
        secrets: What must never be seen in anything that comes back.
    """

    url: str = field(repr=False)
    shown: str
    headers: Mapping[str, str] = field(repr=False)
    proxy: str | None = field(default=None, repr=False)
    proxy_headers: Mapping[str, str] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


async def addresses(role: str, endpoint: Endpoint) -> list[Address]:
    """The address of each of an endpoint's URLs.

    Raises:
        EndpointRefused: the key is missing where one is needed, or an address or a proxy will not do.
    """
    key = _key(role, endpoint)
    return [await _address(role, endpoint, url, key) for url in dict.fromkeys(endpoint.base_url or (None,))]


def _key(role: str, endpoint: Endpoint) -> str:
    """The key, empty where there is none."""
    key = os.environ.get(endpoint.api_key_env, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise EndpointRefused(
            f"llm.{role}: {endpoint.api_key_env} holds characters that no key has (spaces, line ends, quotes of a "
            "word processor). Set it again, to the key alone."
        )
    return key


async def _address(role: str, endpoint: Endpoint, base_url: str | None, key: str) -> Address:
    if base_url is None and (problem := _environments(endpoint)):
        raise EndpointRefused(f"llm.{role}: {problem}")
    clean, login = _without_login(base_url)
    base, headers, query = await _configuration(role, endpoint, clean, key)
    parts = urlsplit(base)
    shown = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    host = parts.hostname or ""
    if not key and not login and any(host == name or host.endswith(f".{name}") for name in _ASK_FOR_KEYS):
        raise EndpointRefused(
            f"llm.{role}: {host} asks for a key, and the environment variable {endpoint.api_key_env} is not set. "
            "Set it, or name another with `api_key_env:`, and run the same again."
        )
    if login:
        headers.setdefault("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    proxy, proxy_headers, proxy_secrets = _proxy(role, parts.scheme, host, parts.port)
    asked = "&".join(filter(None, [parts.query, urlencode(query)]))
    url = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/chat/completions", asked, ""))
    password = unquote(login.partition(":")[2])
    return Address(url, shown, headers, proxy, proxy_headers, tuple(filter(None, [key, password, *proxy_secrets])))


def _environments(endpoint: Endpoint) -> str:
    """What is wrong with the address that the environment gives, where the settings give none."""
    name = "OPENAI_BASE_URL" if endpoint.api_version is None else "AZURE_OPENAI_ENDPOINT"
    given = os.environ.get(name, "").strip()
    problem = address_problem(given) if given else ""
    return f"in the environment, {name}: {problem}" if problem else ""


def _without_login(url: str | None) -> tuple[str | None, str]:
    """An address without `user:password@`, and that."""
    if url is None or "@" not in urlsplit(url).netloc:
        return url, ""
    parts = urlsplit(url)
    login, _, netloc = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=netloc)), unquote(login)


async def _configuration(
    role: str, endpoint: Endpoint, base_url: str | None, key: str
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Base URL, headers and query, as the SDK would send them; without its telemetry."""
    import openai  # slow to import: not before there is something to send

    parts = urlsplit(base_url or "")
    azure = (parts.hostname or "").endswith(_AZURE)
    versioned = parts.path.rstrip("/").endswith("/v1")
    if azure and not versioned and endpoint.api_version is None:
        raise EndpointRefused(
            f"llm.{role}: {parts.hostname} needs either a `base_url:` that ends in /openai/v1, or `api_version:` for "
            "its deployments."
        )
    client: openai.AsyncOpenAI
    credential = key or "none"
    unused = openai.DefaultAsyncHttpxClient(trust_env=False)  # the SDK's own would trip over proxies that it cannot do
    try:
        if endpoint.api_version is None or versioned:
            asked = {"api-version": endpoint.api_version} if endpoint.api_version else None
            client = openai.AsyncOpenAI(api_key=credential, base_url=base_url, default_query=asked, http_client=unused)
        elif "/deployments/" in parts.path:
            client = openai.AsyncAzureOpenAI(
                api_key=credential, api_version=endpoint.api_version, base_url=base_url or "", http_client=unused
            )
        else:
            at = (base_url or os.environ.get("AZURE_OPENAI_ENDPOINT", "")).rstrip("/").removesuffix("/openai")
            client = openai.AsyncAzureOpenAI(
                api_key=credential,
                api_version=endpoint.api_version,
                azure_endpoint=at,
                azure_deployment=endpoint.model,
                http_client=unused,
            )
    except openai.OpenAIError as error:
        await unused.aclose()
        raise EndpointRefused(f"llm.{role}: the address will not do ({error}).") from None
    try:
        names = {**client.default_headers, **(client.auth_headers if key else {})}
        sent = {
            name: value
            for name, value in names.items()
            if isinstance(value, str)
            and not name.lower().startswith("x-stainless")
            and (name.lower() not in _UNSENT_HEADERS or (key and name in client.auth_headers))
        }
        return str(client.base_url), sent, {k: v for k, v in client.default_query.items() if isinstance(v, str)}
    finally:
        await client.close()


def _proxy(role: str, scheme: str, host: str, port: int | None) -> tuple[str | None, dict[str, str] | None, list[str]]:
    """The proxy for a host by HTTP(S)_PROXY, ALL_PROXY and NO_PROXY; its login as a header; and its password."""
    if _is_here(host) or urllib.request.proxy_bypass(f"{host}:{port}" if port else host):
        return None, None, []
    known = urllib.request.getproxies()
    given = known.get(scheme) or known.get("all")
    if not given:
        return None, None, []
    given = given if "://" in given else f"http://{given}"
    if given.startswith(("http://", "https://")) and (problem := address_problem(given)):
        raise EndpointRefused(f"llm.{role}: the proxy in the environment: {problem}")
    proxy, login = _without_login(given)
    if urlsplit(proxy or "").scheme not in ("http", "https"):
        raise EndpointRefused(
            f"llm.{role}: the environment asks for a proxy of the kind {urlsplit(proxy or '').scheme}://, and only "
            "http:// and https:// proxies are spoken. Set HTTPS_PROXY to one, or list the host in NO_PROXY."
        )
    if not login:
        return proxy, None, []
    coded = base64.b64encode(login.encode()).decode()
    return proxy, {"Proxy-Authorization": f"Basic {coded}"}, [login.partition(":")[2], coded]


def _is_here(host: str) -> bool:
    """Whether a host is this machine, which no proxy can reach for us."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
