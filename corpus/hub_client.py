"""One data set repository on the Hub, and each way in which talking to it fails, told in one sentence.

The token comes from `HF_TOKEN` or from `hf auth login`, through huggingface_hub's own lookup. Nothing here writes it
anywhere, and it is cut out of every message.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import (
    DeviceCodeError,
    HfHubHTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
    get_session,
)

from schemas.errors import PedCorpusError

_FIRST_ANSWER_S: Final = 30.0
"""How long the first request may take: it tells whether there is a network at all."""
_ANSWER_S: Final = 300.0
"""How long any later one may: huggingface_hub waits without end. The Hub needs minutes for very large commits."""
_HttpError: Final[type[Exception]] = HfHubHTTPError.__mro__[1]
"""The root of what the HTTP library raises, whichever library this huggingface_hub is built on."""
_AGAIN: Final = "Push again: it goes on where it stopped."


class PushFailed(PedCorpusError):
    """The Hub could not be reached, did not accept the token, or changed meanwhile. Nothing is half published."""


class PushConflict(PushFailed):
    """Somebody else changed the repository while the push was running."""


@dataclass(frozen=True)
class Head:
    """Where the repository's main branch stands, and who may see it."""

    commit: str
    private: bool


@dataclass(frozen=True)
class RemoteFile:
    """A file as the Hub lists it: large files by SHA-256, small ones by the id of their git blob."""

    n_bytes: int
    sha256: str | None
    blob_id: str


class HubRepository:
    """A data set repository, `ORG/NAME`; every method raises `PushFailed` with one sentence, or succeeds.

    Args:
        repo: `ORG/NAME`.
        token: None for huggingface_hub's own lookup.
        bars: Whether huggingface_hub may draw its progress bars.
    """

    def __init__(self, repo: str, token: str | None = None, *, bars: bool = True) -> None:
        self.repo = repo
        self._bars = bars
        self._secret = _usable_token(token)
        # `True` makes huggingface_hub look the token up itself, even where sending it implicitly is switched off.
        self._api = HfApi(token=token or True, library_name="pedcorpus")
        self.url = f"{self._api.endpoint}/datasets/{repo}"

    def head(self) -> Head | None:
        """The main branch, or None where no such repository can be seen."""
        with self._telling("looking it up"):
            try:
                info = self._api.dataset_info(self.repo, timeout=_FIRST_ANSWER_S)
            except RepositoryNotFoundError as error:
                if _status(error) != 404:
                    raise
                return None
        return Head(str(info.sha), bool(info.private))

    def create(self, private: bool) -> None:
        """The repository exists; whether it is as private as asked is for `head` to say."""
        with self._telling("creating it"):
            self._api.create_repo(self.repo, repo_type="dataset", private=private, exist_ok=True)

    def tags(self) -> set[str]:
        with self._telling("listing its tags"):
            return {tag.name for tag in self._api.list_repo_refs(self.repo, repo_type="dataset").tags}

    def commit_at(self, revision: str) -> str:
        """The commit behind a tag, whatever kind of tag it is."""
        with self._telling("looking up its tag"):
            info = self._api.dataset_info(self.repo, revision=revision, timeout=_ANSWER_S)
        return str(info.sha)

    def commits_titled(self, title: str) -> list[str]:
        """Commits of the main branch with this title, newest first."""
        with self._telling("listing its commits"):
            commits = self._api.list_repo_commits(self.repo, repo_type="dataset")
        return [commit.commit_id for commit in commits if commit.title == title]

    def files(self, revision: str) -> dict[str, RemoteFile]:
        """Every file at a revision by path."""
        with self._telling("listing its files"):
            entries = list(self._api.list_repo_tree(self.repo, recursive=True, revision=revision, repo_type="dataset"))
        return {
            entry.path: RemoteFile(entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)
            for entry in entries
            if isinstance(entry, RepoFile)
        }

    def manifest(self, revision: str) -> dict[str, Any] | None:
        """The manifest at a revision, or None where there is none that reads as one."""
        with tempfile.TemporaryDirectory(prefix="pedcorpus-push-") as folder:
            with self._telling("reading its manifest"):
                try:
                    path = self._api.hf_hub_download(
                        self.repo, "manifest.json", repo_type="dataset", revision=revision, local_dir=folder
                    )
                except RemoteEntryNotFoundError:
                    return None
            try:
                found = json.loads(Path(path).read_text("utf-8"))
            except ValueError:
                return None
        return found if isinstance(found, dict) else None

    def commit(
        self, operations: Sequence[CommitOperationAdd | CommitOperationDelete], title: str, about: str, parent: str
    ) -> str:
        """One commit on top of `parent`, all of `operations` or none; returns its id.

        Raises:
            PushConflict: the main branch is not at `parent` any more.
        """
        additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
        with self._telling("uploading to it"):
            # An empty .gitignore here outweighs one in the repository, which would leave files out without a word.
            self._api.preupload_lfs_files(
                self.repo, additions, repo_type="dataset", revision="main", gitignore_content="", free_memory=False
            )
            made = self._api.create_commit(
                self.repo,
                operations,
                commit_message=title,
                commit_description=about,
                parent_commit=parent,
                repo_type="dataset",
            )
        return str(made.oid)

    def tag(self, name: str, commit: str, about: str) -> bool:
        """Whether the tag was made; False where one of this name is there already, wherever it points."""
        with self._telling("tagging it"):
            try:
                self._api.create_tag(self.repo, tag=name, tag_message=about, revision=commit, repo_type="dataset")
            except HfHubHTTPError as error:
                if _status(error) != 409:
                    raise
                return False
        return True

    @contextmanager
    def _telling(self, doing: str) -> Iterator[None]:
        """Whatever goes wrong inside comes out as `PushFailed`; a bug of ours comes out as it is."""
        hide = not self._bars and not are_progress_bars_disabled()
        if hide:
            disable_progress_bars()
        session = get_session()
        patience, session.timeout = session.timeout, _ANSWER_S
        try:
            yield
        except (HfHubHTTPError, _HttpError, OSError, RuntimeError, ValueError) as error:
            kind, sentence = self._sentence(_cause(error), doing)
            # `from None`: what the libraries raised holds the request, and the request holds the token.
            raise kind(sentence.replace(self._secret, "<token>")) from None
        finally:
            session.timeout = patience
            if hide:
                enable_progress_bars()

    def _sentence(self, error: BaseException, doing: str) -> tuple[type[PushFailed], str]:
        where = f"{self.repo}: {doing}"
        if isinstance(error, HfHubHTTPError):
            return self._refusal(_status(error), error, where)
        if isinstance(error, OfflineModeIsEnabled):
            return PushFailed, f"{where} needs the network, and HF_HUB_OFFLINE forbids it. Unset it and push again."
        if isinstance(error, LocalTokenNotFoundError):
            return PushFailed, _NO_TOKEN
        if isinstance(error, _HttpError | ConnectionError | TimeoutError):
            return PushFailed, (
                f"{where} failed, because {self._api.endpoint} cannot be reached ({type(error).__name__}). "
                f"Check the network, or HF_ENDPOINT. {_AGAIN}"
            )
        return PushFailed, f"{where} failed ({type(error).__name__}: {_first_line(str(error))}). {_AGAIN}"

    def _refusal(self, status: int, error: HfHubHTTPError, where: str) -> tuple[type[PushFailed], str]:
        said = _first_line(error.server_message or "")
        asked = str(error.response.request.url)
        if status in (401, 403) and not asked.startswith(f"{self._api.endpoint}/"):
            return PushFailed, f"{where} failed, because the Hub's storage did not take a file ({status}). {_AGAIN}"
        if status == 401:
            return PushFailed, (
                f"{where} failed, because the Hub does not accept the token (401). "
                "Set HF_TOKEN to a valid one with write access, or run `hf auth login`."
            )
        if status == 403:
            return PushFailed, (
                f"{where} failed, because the token may not do that (403: {said or 'forbidden'}). "
                f"Use one with write access to {self.repo.split('/')[0]}."
            )
        if status == 412:
            return PushConflict, (
                f"{self.repo} changed while the push was running, so nothing of it was published. "
                "See what the other commit did, then push again."
            )
        if status == 429:
            return (
                PushFailed,
                f"{where} failed, because the Hub asks for fewer requests (429). Wait a few minutes. {_AGAIN}",
            )
        if status >= 500:
            return PushFailed, f"{where} failed, because the Hub has a fault of its own ({status}). {_AGAIN}"
        return PushFailed, f"{where} failed ({status}: {said or 'no reason given'}). Mend that, then push again."


_NO_TOKEN: Final = (
    "No Hugging Face token found. Set HF_TOKEN to one with write access, or run `hf auth login`, then push again."
)


def _usable_token(token: str | None) -> str:
    """The token given or found. One that no header can carry fails here: the HTTP library would quote it."""
    try:
        token = token or get_token()
    except (OIDCError, DeviceCodeError, _HttpError) as error:
        raise PushFailed(
            f"The Hugging Face login cannot be renewed ({type(error).__name__}). Run `hf auth login`, or set HF_TOKEN."
        ) from None
    if not token:
        raise PushFailed(_NO_TOKEN)
    strange = next((at for at, char in enumerate(token) if not "!" <= char <= "~"), None)
    if strange is not None:
        raise PushFailed(
            f"The Hugging Face token has a character that no token has, at position {strange + 1} of {len(token)}. "
            "Copy it again into HF_TOKEN, or run `hf auth login`."
        )
    return token


def _status(error: HfHubHTTPError) -> int:
    return int(error.response.status_code)


def _cause(error: BaseException) -> BaseException:
    """What really happened: uploads and downloads wrap it, in a chain of a few links at the most."""
    for _ in range(8):
        if isinstance(error, _HttpError | ConnectionError) or error.__cause__ is None:
            break
        error = error.__cause__
    return error


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].strip().rstrip(".")[:300] if lines else ""
