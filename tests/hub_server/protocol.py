"""What the Hub answers: one function a route, over the repositories that the server holds.

Written from what huggingface_hub 2.4 sends and reads. Where the Hub checks (token, parent commit, large files that
were announced but never sent, card metadata), this checks too, so that a client that gets through here behaves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from tests.hub_server.metadata import metadata_errors
from tests.hub_server.repository import Blob, Commit, HubError, Repository

if TYPE_CHECKING:
    from tests.hub_server.server import HubServer

_DATE = "2024-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire, its body whole."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    token: str | None
    host: str

    def json(self) -> Any:
        return json.loads(self.body)

    def flag(self, name: str) -> bool:
        return parse_qs(self.query).get(name, ["false"])[0].lower() in ("true", "1")


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json", **headers})

    @classmethod
    def error(cls, error: HubError) -> Answer:
        code = {"X-Error-Code": error.code} if error.code else {}
        return cls.of({"error": error.message}, error.status, **{"X-Error-Message": error.message}, **code)


def answer(hub: HubServer, request: Request) -> Answer:
    """The answer of the first route that matches; a route that is not known answers 404."""
    for method, pattern, route in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and request.method in method.split():
            try:
                return route(hub, request, **{name: unquote(value) for name, value in match.groupdict("").items()})
            except HubError as error:
                return Answer.error(error)
    return Answer.error(HubError(404, f"No route for {request.method} {request.path}"))


def _may(hub: HubServer, request: Request, *, write: bool) -> None:
    """A token that is not known is never let in, even where none is needed."""
    if request.token is not None and request.token not in (hub.write_token, hub.read_token):
        raise HubError(401, "Invalid credentials in Authorization header")
    if write and request.token is None:
        raise HubError(401, "Invalid username or password.")
    if write and request.token != hub.write_token:
        raise HubError(403, "You don't have the rights to write to this namespace")


def _open(hub: HubServer, request: Request, repo: str, *, write: bool = False) -> Repository:
    _may(hub, request, write=write)
    found = hub.repositories.get(repo)
    if found is None or (found.private and request.token is None):
        raise HubError(404 if request.token else 401, "Repository not found", "RepoNotFound")
    return found


def _whoami(hub: HubServer, request: Request) -> Answer:
    _may(hub, request, write=False)
    return Answer.of({"type": "user", "name": "tester", "orgs": []})


def _create(hub: HubServer, request: Request) -> Answer:
    _may(hub, request, write=True)
    asked = request.json()
    if asked.get("type") != "dataset":
        raise HubError(400, "Only data sets live here")
    repo = f"{asked.get('organization') or 'tester'}/{asked['name']}"
    url = f"{hub.url}/datasets/{repo}"
    if repo in hub.repositories:
        return Answer.of({"error": "You already created this dataset repo", "url": url}, 409)
    hub.repositories[repo] = Repository(repo, asked.get("visibility") == "private" or asked.get("private") is True)
    return Answer.of({"url": url, "name": repo, "id": repo})


def _validate_yaml(hub: HubServer, request: Request) -> Answer:
    errors = metadata_errors(request.json()["content"])
    body = {"errors": [{"message": message} for message in errors], "warnings": []}
    return Answer.of(body, 400 if errors else 200)


def _info(hub: HubServer, request: Request, repo: str, revision: str = "main") -> Answer:
    found = _open(hub, request, repo)
    commit = found.at(revision or "main")
    return Answer.of(
        {
            "id": repo,
            "author": repo.split("/")[0],
            "sha": commit.oid,
            "private": found.private,
            "gated": False,
            "disabled": False,
            "tags": [],
            "createdAt": _DATE,
            "lastModified": _DATE,
            "siblings": [{"rfilename": path} for path in sorted(commit.tree)],
        }
    )


def _refs(hub: HubServer, request: Request, repo: str) -> Answer:
    found = _open(hub, request, repo)
    tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": oid} for n, oid in sorted(found.tags.items())]
    branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": found.main}]
    return Answer.of({"branches": branches, "converts": [], "tags": tags})


def _commits(hub: HubServer, request: Request, repo: str, revision: str) -> Answer:
    listed = [
        {"id": commit.oid, "title": commit.title, "message": commit.message, "date": _DATE, "authors": []}
        for commit in _open(hub, request, repo).history(revision)
    ]
    return _page(hub, request, listed)


def _tree(hub: HubServer, request: Request, repo: str, revision: str, folder: str = "") -> Answer:
    tree = _open(hub, request, repo).at(revision).tree
    prefix = f"{folder.strip('/')}/" if folder else ""
    inside = {path: blob for path, blob in tree.items() if path.startswith(prefix)}
    if prefix and not inside:
        raise HubError(404, f"{folder} does not exist", "EntryNotFound")
    entries: dict[str, dict[str, Any]] = {}
    for path, blob in sorted(inside.items()):
        steps = path.removeprefix(prefix).split("/")
        for depth in range(1, len(steps)):
            name = prefix + "/".join(steps[:depth])
            if depth == 1 or request.flag("recursive"):
                entries[name] = {
                    "type": "directory",
                    "path": name,
                    "oid": hashlib.sha1(name.encode()).hexdigest(),
                    "size": 0,
                }
        if len(steps) == 1 or request.flag("recursive"):
            entries[path] = _entry(path, blob)
    return _page(hub, request, list(entries.values()))


def _entry(path: str, blob: Blob) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "oid": blob.git_id, "size": len(blob.content)}
    if blob.large:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": len(blob.pointer)}
    return entry


def _page(hub: HubServer, request: Request, listed: list[Any]) -> Answer:
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    start = int(query.pop("cursor", 0))
    page = listed[start : start + hub.page_size]
    if start + hub.page_size >= len(listed):
        return Answer.of(page)
    more = "".join(f"&{name}={quote(value)}" for name, value in query.items())
    link = f'<{hub.url}{request.path}?cursor={start + hub.page_size}{more}>; rel="next"'
    return Answer.of(page, Link=link)


def _paths_info(hub: HubServer, request: Request, repo: str, revision: str) -> Answer:
    tree = _open(hub, request, repo).at(revision).tree
    paths = [path.strip("/") for path in parse_qs(request.body.decode()).get("paths", [])]
    folders = [p for p in paths if p not in tree and any(name.startswith(f"{p}/") for name in tree)]
    directories = [{"type": "directory", "path": p, "oid": "0" * 40, "size": 0} for p in folders]
    return Answer.of([*(_entry(path, tree[path]) for path in paths if path in tree), *directories])


def _preupload(hub: HubServer, request: Request, repo: str, revision: str) -> Answer:
    found = _open(hub, request, repo, write=True)
    tree = found.at(revision).tree
    payload = request.json()
    files = []
    for asked in payload["files"]:
        path, there = asked["path"], tree.get(asked["path"])
        large = found.is_large(path, n_bytes=asked["size"])
        oid = {"oid": there.sha256 if there.large else there.git_id} if there else {}
        mode = "lfs" if large else "regular"
        files.append(
            {"path": path, "uploadMode": mode, "shouldIgnore": found.is_ignored(path, payload.get("gitIgnore")), **oid}
        )
    return Answer.of({"files": files})


def _lfs_batch(hub: HubServer, request: Request, repo: str) -> Answer:
    _open(hub, request, repo, write=True)
    objects = []
    for asked in request.json()["objects"]:
        entry = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] not in hub.large_files:
            verify = {"href": f"{hub.url}/datasets/{repo}.git/info/lfs/objects/verify"}
            entry["actions"] = {"upload": {"href": f"{hub.storage_url}/put/{asked['oid']}"}, "verify": verify}
        objects.append(entry)
    return Answer.of({"transfer": "basic", "objects": objects})


def _lfs_put(hub: HubServer, request: Request, oid: str) -> Answer:
    if request.token:
        raise HubError(400, "The token has no business on the storage host")
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise HubError(400, "The content does not have the announced SHA-256")
    hub.large_files[oid] = request.body
    return Answer()


def _lfs_verify(hub: HubServer, request: Request, repo: str) -> Answer:
    _open(hub, request, repo, write=True)
    asked = request.json()
    if len(hub.large_files.get(asked["oid"], b"")) != asked["size"]:
        raise HubError(404, "No such large file")
    return Answer.of({})


def _commit(hub: HubServer, request: Request, repo: str, revision: str) -> Answer:
    found = _open(hub, request, repo, write=True)
    if revision != "main":
        raise HubError(400, "Commits go to main")
    lines = [json.loads(line) for line in request.body.splitlines()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit", found.main) != found.main:
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    tree = dict(found.commits[found.main].tree)
    for line in lines:
        _change(hub, found, tree, line["key"], line["value"])
    commit = found.append(Commit(found.main, header["summary"], header.get("description", ""), tree))
    url = f"{hub.url}/datasets/{repo}/commit/{commit.oid}"
    return Answer.of({"success": True, "commitUrl": url, "commitOid": commit.oid, "hookOutput": ""})


def _change(hub: HubServer, repo: Repository, tree: dict[str, Blob], kind: str, value: Mapping[str, Any]) -> None:
    """Applies one line of a commit to the tree."""
    path = value.get("path", "")
    if kind == "file":
        content = base64.b64decode(value["content"], validate=True)
        if repo.is_large(path, content):
            raise HubError(400, f"{path} is a large file and came as a small one")
        tree[path] = Blob(content, large=False)
    elif kind == "lfsFile":
        if value["oid"] not in hub.large_files:
            raise HubError(400, f"{path}: the large file {value['oid']} was never uploaded")
        tree[path] = Blob(hub.large_files[value["oid"]], large=True)
    elif kind == "deletedFile":
        if path not in tree:
            raise HubError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
        del tree[path]
    elif kind != "header":
        raise HubError(400, f"{kind} is not spoken here")


def _make_tag(hub: HubServer, request: Request, repo: str, revision: str) -> Answer:
    _open(hub, request, repo, write=True).tag(request.json()["tag"], revision)
    return Answer.of({})


def _resolve(hub: HubServer, request: Request, repo: str, revision: str, path: str) -> Answer:
    commit = _open(hub, request, repo).at(revision)
    blob = commit.tree.get(path)
    if blob is None:
        reply = Answer.error(HubError(404, f"{path} does not exist", "EntryNotFound"))
        return Answer(reply.status, reply.body, {**reply.headers, "X-Repo-Commit": commit.oid})
    if not blob.large:
        return _bytes(request, blob.content, {"X-Repo-Commit": commit.oid, "ETag": f'"{blob.git_id}"'})
    hub.large_files.setdefault(blob.sha256, blob.content)
    headers = {
        "Location": f"{hub.storage_url}/get/{blob.sha256}",
        "X-Repo-Commit": commit.oid,
        "X-Linked-Etag": f'"{blob.sha256}"',
        "X-Linked-Size": str(len(blob.content)),
    }
    return Answer(302, b"", headers)


def _lfs_get(hub: HubServer, request: Request, oid: str) -> Answer:
    if request.token:
        raise HubError(400, "The token has no business on the storage host")
    return _bytes(request, hub.large_files[oid], {"ETag": f'"{oid}"'})


def _bytes(request: Request, content: bytes, headers: Mapping[str, str]) -> Answer:
    """The content, or the range of it that was asked for."""
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    if wanted is None:
        return Answer(200, content, headers)
    start, end = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
    if start > end:
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
    return Answer(206, content[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{len(content)}"})


_REPO = r"(?P<repo>[^/]+/[^/]+)"
_API = rf"/api/datasets/{_REPO}"
_REV = r"(?P<revision>[^/]+)"
_ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", r"/api/whoami-v2", _whoami),
    ("POST", r"/api/repos/create", _create),
    ("POST", r"/api/validate-yaml", _validate_yaml),
    ("GET", rf"{_API}(?:/revision/{_REV})?", _info),
    ("GET", rf"{_API}/refs", _refs),
    ("GET", rf"{_API}/commits/{_REV}", _commits),
    ("GET", rf"{_API}/tree/{_REV}(?:/(?P<folder>.+))?", _tree),
    ("POST", rf"{_API}/paths-info/{_REV}", _paths_info),
    ("POST", rf"{_API}/preupload/{_REV}", _preupload),
    ("POST", rf"{_API}/commit/{_REV}", _commit),
    ("POST", rf"{_API}/tag/{_REV}", _make_tag),
    ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/batch", _lfs_batch),
    ("POST", rf"/datasets/{_REPO}\.git/info/lfs/objects/verify", _lfs_verify),
    ("PUT", r"/put/(?P<oid>[0-9a-f]{64})", _lfs_put),
    ("GET HEAD", r"/get/(?P<oid>[0-9a-f]{64})", _lfs_get),
    ("GET HEAD", rf"/datasets/{_REPO}/resolve/{_REV}/(?P<path>.+)", _resolve),
]
