"""Pushing through the real huggingface_hub to a server that speaks its protocol, and loading through `datasets`."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from corpus.build import build
from corpus.config import load_config
from corpus.plan import make_plan
from tests.corpus.small import write_small_corpus
from tests.corpus.tiny_version import LICENSE, PRIVATE, instruction, published_files, rows_of_views, write_version
from tests.hub_server import HubServer, Repository
from tests.hub_server.client import Client, ClientFailed

SMALL = {"sft": {"train": [instruction(at, "train") for at in range(5)]}}
"""Two files of rows: enough wherever the number of files does not matter."""

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def client(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Client(hub.url, tmp_path_factory.mktemp("home"), hub.write_token) as child:
        yield child
    printed = "".join(child.printed)
    assert "Upload" in printed, "progress of uploads goes to standard error"
    assert hub.write_token not in printed
    assert hub.read_token not in printed


@pytest.fixture
def repo(hub: HubServer) -> Iterator[str]:
    """A repository of the test's own, not there yet."""
    hub.large_files.clear()  # the Hub keeps them by repository: each test uploads its own
    yield f"org/corpus-{next(NUMBERS)}"
    assert not hub.withdraw_faults()


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("version") / "1.0.0")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("small") / "1.0.0", views=SMALL)


def failure(client: Client, folder: Path, repo: str, **options: Any) -> ClientFailed:
    """How the push fails: in one sentence a problem, with what to do."""
    with pytest.raises(ClientFailed) as caught:
        client.do("push", version=str(folder), repo=repo, **options)
    assert all(line.endswith(".") and len(line) < 400 for line in caught.value.message.splitlines())
    return caught.value


def test_rows_come_back_as_they_went(hub: HubServer, client: Client, repo: str, version: Path) -> None:
    client.do("push", version=str(version), repo=repo)
    layout = json.loads((version / "manifest.json").read_text("utf-8"))["views"]
    for view, splits in rows_of_views().items():
        loaded = {s: client.do("load", repo=repo, view=view, split=s, revision="v1.0.0") for s in splits}
        assert client.do("splits", repo=repo, view=view, revision="v1.0.0") == {s: len(r) for s, r in splits.items()}
        for split, rows in splits.items():
            frame = pl.read_parquet([version / name for name in layout[view][split]["files"]])
            assert loaded[split]["columns"] == frame.columns
            assert loaded[split]["rows"] == frame.to_dicts() == [{c: row[c] for c in frame.columns} for row in rows]


def test_one_commit_and_one_tag_hold_every_file(hub: HubServer, client: Client, repo: str, version: Path) -> None:
    result = client.do("push", version=str(version), repo=repo)
    there = hub.repository(repo)
    assert result["status"] == "pushed"
    assert [commit.title for commit in there.history("main")] == ["PedCorpus tiny 1.0.0", "initial commit"]
    assert there.tags == {"v1.0.0": there.main} == {"v1.0.0": result["commit"]}
    assert there.files() == published_files(version)
    assert {f["path"]: f["n_bytes"] for f in result["files"]} == {
        p: len(d) for p, d in published_files(version).items()
    }
    assert result["told"][-1] == "tagged v1.0.0"


def test_rejected_text_stays_at_home(hub: HubServer, client: Client, repo: str, version: Path) -> None:
    client.do("push", version=str(version), repo=repo)
    rejected = (version / "rejected/drop_low_quality.parquet").read_bytes()
    assert PRIVATE.encode() in rejected or pl.read_parquet(rejected)["text"].to_list() == [PRIVATE]
    assert rejected not in hub.repository(repo).files().values()
    refused = failure(client, version, f"{repo}-all", rejected=True)
    assert refused.kind == "PushRefused"
    assert "rejected/drop_low_quality.parquet has 1 rows without a known licence" in refused.message


def test_second_push_of_a_version_changes_nothing(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    first = client.do("push", version=str(small), repo=repo)
    n_before = len(hub.exchanges)
    again = client.do("push", version=str(small), repo=repo)
    assert (first["status"], again["status"]) == ("pushed", "already_pushed")
    assert again["commit"] == first["commit"]
    assert len(hub.repository(repo).commits) == 2
    assert {exchange.method for exchange in hub.exchanges[n_before:]} <= {"GET", "HEAD"}


def test_new_version_is_a_commit_on_top_and_the_old_tag_stays(
    hub: HubServer, client: Client, repo: str, version: Path, tmp_path: Path
) -> None:
    client.do("push", version=str(version), repo=repo)
    there = hub.repository(repo)
    there.write({"NOTES.md": b"written by hand"})
    views = rows_of_views(n_train=3)
    newer = write_version(tmp_path / "1.1.0", version="1.1.0", views=views)
    result = client.do("push", version=str(newer), repo=repo)
    assert len(there.commits) == 4
    assert set(there.tags) == {"v1.0.0", "v1.1.0"}
    assert there.files("v1.0.0") == published_files(version)
    assert there.files() == there.files("v1.1.0") == published_files(newer) | {"NOTES.md": b"written by hand"}
    assert result["deleted"] == ["data/sft/train-00000-of-00002.parquet", "data/sft/train-00001-of-00002.parquet"]
    old = client.do("load", repo=repo, view="sft", split="train", revision="v1.0.0")
    new = client.do("load", repo=repo, view="sft", split="train", revision="v1.1.0")
    assert [len(loaded["rows"]) for loaded in (old, new)] == [7, 3]


def test_what_did_not_change_is_not_uploaded_again(
    hub: HubServer, client: Client, repo: str, version: Path, tmp_path: Path
) -> None:
    client.do("push", version=str(version), repo=repo)
    n_before = len(hub.exchanges)
    views = rows_of_views()
    views["eval"]["test"] = views["eval"]["test"][:2]
    client.do("push", version=str(write_version(tmp_path / "v", version="1.0.1", views=views)), repo=repo)
    assert sum(exchange.method == "PUT" for exchange in hub.exchanges[n_before:]) == 1


def test_all_reasons_to_refuse_come_at_once_and_before_the_network(
    hub: HubServer, client: Client, tmp_path: Path
) -> None:
    rows = [instruction(0, "train"), instruction(1, "train", license=None), instruction(2, "train", license=" Unknown")]
    bad = write_version(tmp_path / "v", views={"sft": {"train": rows}}, license_name="unknown")
    n_before = len(hub.exchanges)
    refused = failure(client, bad, "no/such/place", findings=["data/x.parquet is missing. Build the version again."])
    assert refused.kind == "PushRefused"
    assert refused.message.splitlines() == [
        "'no/such/place' is not a repository. Give it as ORG/NAME, in letters, digits, '-', '_' and '.'.",
        "Source guide states no known licence. Set 'license:' of the source in the configuration, and build again.",
        "data/sft/train-00000-of-00001.parquet has 2 rows without a known licence. "
        "State their source's, and build again.",
        "provenance/document-00000-of-00001.parquet has 1 rows without a known licence. "
        "State their source's, and build again.",
        "data/x.parquet is missing. Build the version again.",
    ]
    assert len(hub.exchanges) == n_before


def test_failed_verify_is_refused(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    refused = failure(client, small, repo, findings=[f"finding {at}." for at in range(30)])
    assert refused.kind == "PushRefused"
    assert refused.message.splitlines()[-2:] == ["finding 19.", "And 10 more findings of `pedcorpus verify`."]
    assert repo not in hub.repositories


@pytest.mark.parametrize("text", ["", "{", '{"name": "tiny"}'])
def test_folder_that_is_no_version_is_refused(client: Client, tmp_path: Path, text: str) -> None:
    if text:
        (tmp_path / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(ClientFailed, match=r"PushRefused: .*manifest\.json"):
        client.do("push", version=str(tmp_path), repo="org/none")


def test_manifest_cannot_name_files_outside_the_version(client: Client, tmp_path: Path, repo: str) -> None:
    folder = write_version(tmp_path / "v", views=SMALL)
    (tmp_path / "secret").write_text("not yours", "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"].append({**manifest["files"][0], "path": "../secret"})
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert "`../secret` is no path inside the version" in failure(client, folder, repo).message


def test_stray_files_are_not_published(hub: HubServer, client: Client, repo: str, tmp_path: Path) -> None:
    folder = write_version(tmp_path / "v", views=SMALL)
    expected = published_files(folder)
    (folder / "notes.txt").write_text("mine", "utf-8")
    client.do("push", version=str(folder), repo=repo)
    assert hub.repository(repo).files() == expected


def test_tag_with_other_content_is_refused(
    hub: HubServer, client: Client, repo: str, small: Path, tmp_path: Path
) -> None:
    client.do("push", version=str(small), repo=repo)
    before = dict(hub.repository(repo).tags)
    other = write_version(tmp_path / "v", views={"sft": {"train": SMALL["sft"]["train"][:2]}})
    refused = failure(client, other, repo)
    assert refused.kind == "PushRefused"
    assert "tags never move" in refused.message
    assert hub.repository(repo).tags == before
    assert len(hub.repository(repo).commits) == 2


def test_repository_with_other_data_is_refused(
    hub: HubServer, client: Client, repo: str, small: Path, tmp_path: Path
) -> None:
    foreign = hub.repositories[repo] = Repository(repo, private=False)
    foreign.write({"data/train.parquet": b"somebody's"})
    assert "data that PedCorpus did not put there" in failure(client, small, repo).message
    for at, number in enumerate(("0.9.0", "1.0.0")):
        adults = write_version(tmp_path / number, name="adults", version=number, views=SMALL)
        client.do("push", version=str(adults), repo=f"{repo}-{at}")
        assert "holds the corpus 'adults'" in failure(client, small, f"{repo}-{at}").message
    assert len(foreign.commits) == 2
    assert not foreign.tags


def test_commit_by_somebody_else_meanwhile_stops_the_push(
    hub: HubServer, client: Client, repo: str, small: Path
) -> None:
    there = hub.repositories[repo] = Repository(repo, private=False)
    hub.inject("POST", f"{repo}/commit/", call=lambda: there.write({"NOTES.md": b"theirs"}))
    failed = failure(client, small, repo)
    assert failed.kind == "PushConflict"
    assert "changed while the push was running" in failed.message
    assert there.files() == {"NOTES.md": b"theirs"}
    assert not there.tags
    assert client.do("push", version=str(small), repo=repo)["status"] == "pushed"
    assert there.files() == published_files(small) | {"NOTES.md": b"theirs"}


@pytest.mark.parametrize(
    ("method", "path", "fault", "said"),
    [
        ("GET", "/api/datasets/{repo}$", {"status": 500}, "the Hub has a fault of its own (500)"),
        ("GET", "/api/datasets/{repo}$", {"drop": "before"}, "cannot be reached (RemoteProtocolError)"),
        ("POST", "/api/repos/create", {"status": 403}, "the token may not do that (403"),
        ("GET", "{repo}/refs", {"status": 429}, "asks for fewer requests (429)"),
        ("POST", "{repo}/preupload/", {"status": 413}, "uploading to it failed (413: Injected by a test)"),
        ("PUT", "/put/", {"status": 403}, "the Hub's storage did not take a file (403)"),
        ("POST", "{repo}/commit/", {"status": 500}, "the Hub has a fault of its own (500)"),
        ("POST", "{repo}/commit/", {"drop": "before"}, "cannot be reached (RemoteProtocolError)"),
        ("POST", "/api/validate-yaml", {"status": 502}, "the Hub has a fault of its own (502)"),
    ],
)
def test_a_fault_on_the_way_is_one_sentence_and_the_next_push_succeeds(
    hub: HubServer, client: Client, repo: str, small: Path, method: str, path: str, fault: dict[str, Any], said: str
) -> None:
    hub.inject(method, path.format(repo=repo), **fault)
    failed = failure(client, small, repo)
    assert failed.kind == "PushFailed"
    assert said in failed.message
    assert failed.message.startswith(f"{repo}: ")
    assert len(failed.message.splitlines()) == 1
    assert repo not in hub.repositories or hub.repository(repo).files() == {}
    assert client.do("push", version=str(small), repo=repo)["status"] == "pushed"
    assert hub.repository(repo).files("v1.0.0") == published_files(small)


def test_a_passing_fault_is_tried_again(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    hub.inject("PUT", "/put/", status=503)
    assert client.do("push", version=str(small), repo=repo)["status"] == "pushed"


@pytest.mark.parametrize("moved_on", [False, True])
def test_killed_between_commit_and_tag_only_tags(
    hub: HubServer, client: Client, repo: str, small: Path, tmp_path: Path, moved_on: bool
) -> None:
    with Client(hub.url, tmp_path, hub.write_token) as doomed:
        hub.inject("POST", f"{repo}/tag/", call=doomed.process.kill, drop="before")
        with pytest.raises(EOFError):
            doomed.do("push", version=str(small), repo=repo)
    there = hub.repository(repo)
    commit = there.main
    assert there.files() == published_files(small)
    assert not there.tags
    if moved_on:
        there.write({"README.md": b"edited on the web page"})
    n_before = len(hub.exchanges)
    result = client.do("push", version=str(small), repo=repo)
    assert (result["status"], result["commit"]) == ("tagged", commit)
    assert there.tags == {"v1.0.0": commit}
    assert len(there.commits) == (3 if moved_on else 2)
    assert [e.path for e in hub.exchanges[n_before:] if e.method not in ("GET", "HEAD")] == [
        f"/api/datasets/{repo}/tag/{commit}"
    ]


def test_answer_to_the_commit_lost_is_found_by_the_next_push(
    hub: HubServer, client: Client, repo: str, small: Path
) -> None:
    hub.inject("POST", f"{repo}/commit/", drop="after")
    assert "cannot be reached" in failure(client, small, repo).message
    assert client.do("push", version=str(small), repo=repo)["status"] == "tagged"
    assert len(hub.repository(repo).commits) == 2


def test_tag_made_by_somebody_else_meanwhile(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    there = hub.repositories[repo] = Repository(repo, private=False)
    hub.inject("POST", f"{repo}/tag/", call=lambda: there.tags.update({"v1.0.0": there.history("main")[-1].oid}))
    refused = failure(client, small, repo)
    assert refused.kind == "PushRefused"
    assert "has a tag v1.0.0 already, with other content (no manifest)" in refused.message
    assert there.tags == {"v1.0.0": there.history("main")[-1].oid}


def test_gitignore_in_the_repository_leaves_nothing_out(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    hub.repositories[repo] = Repository(repo, private=False)
    hub.repository(repo).write({".gitignore": b"*.parquet *.jsonl"})
    client.do("push", version=str(small), repo=repo)
    assert hub.repository(repo).files().items() >= published_files(small).items()


def test_bytes_that_arrive_otherwise_are_not_tagged(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    there = hub.repositories[repo] = Repository(repo, private=False)

    def corrupt() -> None:
        tree = dict(there.commits[there.main].tree)
        del tree["LICENSES.md"]
        object.__setattr__(there.commits[there.main], "tree", tree)  # the Hub loses a file without saying so
        there.commits[list(there.commits)[-1]] = there.commits[there.main]

    hub.inject("GET", f"{repo}/tree/.*recursive=true", skip=1, call=corrupt)
    assert "the Hub's LICENSES.md differs from the one on disk" in failure(client, small, repo).message
    assert not there.tags


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "No Hugging Face token found. Set HF_TOKEN"),
        ("hf_revokedTokenOfSomebody", "the Hub does not accept the token (401)"),
        ("hf_testReadTokenThatNobodyMayEverSee", "the token may not do that (403"),
        ("hf_with space", "has a character that no token has, at position 8 of 13"),
        ("hf_全角", "has a character that no token has, at position 4 of 5"),
    ],
)
def test_token_that_does_not_do(client: Client, hub: HubServer, small: Path, token: str | None, said: str) -> None:
    with pytest.raises(ClientFailed) as caught:
        client.do("push", env={"HF_TOKEN": token}, version=str(small), repo="org/forbidden")
    failed = caught.value
    assert failed.kind == "PushFailed"
    assert said in failed.message
    assert token is None or token not in failed.message + failed.trace
    assert "org/forbidden" not in hub.repositories


def test_token_in_an_answer_is_cut_out(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    hub.inject("POST", "/api/repos/create", status=400, message=f"what is {hub.write_token} doing here")
    failed = failure(client, small, repo)
    assert "what is <token> doing here" in failed.message
    assert hub.write_token not in failed.message + failed.trace


def test_token_goes_to_the_hub_and_nowhere_else(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    client.do("push", version=str(small), repo=repo)
    storage = [exchange for exchange in hub.exchanges if exchange.path.startswith(("/put/", "/get/"))]
    assert storage
    assert {exchange.token for exchange in storage} == {None}
    files = b"".join(hub.repository(repo).files().values())
    assert hub.write_token.encode() not in files


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached (ConnectError)"),
        ({"HF_HUB_OFFLINE": "1"}, "needs the network, and HF_HUB_OFFLINE forbids it"),
    ],
)
def test_no_network_is_one_sentence(
    hub: HubServer, small: Path, tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    with Client(hub.url, tmp_path, hub.write_token, variables) as cut_off:
        failed = failure(cut_off, small, "org/small")
    assert failed.kind == "PushFailed"
    assert said in failed.message


def test_a_hub_that_does_not_answer_is_not_waited_for(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    hub.inject("GET", f"{repo}/refs", call=lambda: time.sleep(0.6))
    impatient = f"""
from pathlib import Path
from corpus import hub_client
from corpus.hub import push
hub_client._ANSWER_S, patience = 0.2, hub_client._ANSWER_S
try:
    push(Path({str(small)!r}), {repo!r}, verify=lambda folder: [])
finally:
    hub_client._ANSWER_S = patience
"""
    with pytest.raises(ClientFailed, match=r"PushFailed: .* cannot be reached \(ReadTimeout\)"):
        client.do("run", code=impatient, folder=str(small))
    assert client.do("push", version=str(small), repo=repo)["status"] == "pushed"


def test_repository_that_the_token_cannot_see(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    hub.repositories[repo] = Repository(repo, private=True)
    hub.inject("GET", f"/api/datasets/{repo}$", status=404, code="RepoNotFound", times=2)
    assert "this token does not see it" in failure(client, small, repo).message
    assert hub.repository(repo).files() == {}


def test_dry_run_asks_nothing_and_shows_everything(hub: HubServer, client: Client, version: Path) -> None:
    n_before = len(hub.exchanges)
    arguments = {"version": str(version), "repo": "org/dry", "dry_run": True}
    result = client.do("push", env={"HF_TOKEN": None}, **arguments)
    assert len(hub.exchanges) == n_before
    assert (result["status"], result["commit"], result["tag"]) == ("dry_run", None, "v1.0.0")
    assert result["url"] == f"{hub.url}/datasets/org/dry"
    assert {f["path"]: f["n_bytes"] for f in result["files"]} == {
        p: len(d) for p, d in published_files(version).items()
    }
    assert result["card"] == (version / "README.md").read_text("utf-8")


def test_private_repositories(hub: HubServer, client: Client, repo: str, small: Path) -> None:
    client.do("push", version=str(small), repo=repo, private=True)
    assert hub.repository(repo).private
    with pytest.raises(ClientFailed, match=r"DatasetNotFoundError: .* cannot be accessed"):
        client.do("load", env={"HF_TOKEN": None}, repo=repo, view="sft", split="train")
    hub.repositories[f"{repo}-open"] = Repository(f"{repo}-open", private=False)
    refused = failure(client, small, f"{repo}-open", private=True)
    assert refused.kind == "PushRefused"
    assert "is public, and --private was given" in refused.message
    assert hub.repository(f"{repo}-open").files() == {}


def test_the_commands_on_the_card_work(client: Client, repo: str, version: Path, tmp_path: Path) -> None:
    client.do("push", version=str(version), repo=repo)
    card = (version / "README.md").read_text("utf-8").replace("ORG/NAME", repo)
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        client.do("run", code=block, folder=str(tmp_path))
    client.do("run", code=f"{blocks[0]}\nassert len(rows) == 7", folder=str(tmp_path))


def test_downloaded_version_is_the_published_one(client: Client, repo: str, version: Path) -> None:
    client.do("push", version=str(version), repo=repo)
    folder = Path(client.do("download", repo=repo, revision="v1.0.0"))
    assert {p: d for p, d in published_files(folder).items() if p != ".gitattributes"} == published_files(version)
    assert LICENSE in (folder / "LICENSES.md").read_text("utf-8")


def test_the_command_pushes_a_version_of_the_store(hub: HubServer, client: Client, repo: str, tmp_path: Path) -> None:
    build(make_plan(load_config(write_small_corpus(tmp_path))))
    words = ["push", "0.1.0", "--repo", repo, "--store", str(tmp_path / "store")]
    dry = client.do("command", words=[*words, "--dry-run"])
    assert (dry["exit"], repo in hub.repositories) == (0, False)
    assert "data/sft/train-00000-of-00001.parquet" in dry["out"]
    done = client.do("command", words=[*words, "--json"])
    assert done["exit"] == 0
    assert json.loads(done["out"])["commit"] == hub.repository(repo).tags["v0.1.0"]
    without = client.do("command", env={"HF_TOKEN": None}, words=words)
    assert (without["exit"], without["out"]) == (2, "")
    assert without["err"].splitlines()[-1].startswith("Error: No Hugging Face token found. Set HF_TOKEN")


@pytest.mark.slow
def test_killed_at_any_request_the_next_push_ends_in_one_commit_and_one_tag(
    hub: HubServer, client: Client, repo: str, small: Path, tmp_path: Path
) -> None:
    n_before = len(hub.exchanges)
    client.do("push", version=str(small), repo=f"{repo}-whole")
    n_requests = len(hub.exchanges) - n_before
    for at, drop in itertools.product(range(n_requests), ("before", "after")):
        there = f"{repo}-{at}-{drop}"
        hub.large_files.clear()
        with Client(hub.url, tmp_path, hub.write_token) as doomed:
            hub.inject("(GET|HEAD|POST|PUT)", "", call=doomed.process.kill, drop=drop, skip=at)
            with pytest.raises(EOFError):
                doomed.do("push", version=str(small), repo=there)
        assert client.do("push", version=str(small), repo=there)["status"] in ("pushed", "tagged", "already_pushed")
        repository = hub.repository(there)
        assert len(repository.history("main")) == 2
        assert repository.tags == {"v1.0.0": repository.main}
        assert repository.files() == published_files(small)
