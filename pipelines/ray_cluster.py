"""A Ray cluster to work on: one of our own on this machine, or one that is there, joined by its address.

Our own belongs to a keeper, a process between us and Ray that waits for the end of its standard input. However we
end, by `close`, an exception or `kill -9`, the system closes that pipe, and the keeper takes the cluster down to the
last process and removes its folder. It has a session of its own, so that Ctrl-C reaches us and not Ray's processes.

Only this module imports ray.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.engine import EngineUnavailable
from schemas.fingerprints import code_fingerprint

PACKAGES: Final = ("schemas", "sources", "pipelines", "corpus")
"""What every node must have in the same state, since the keys of finished work hash it."""
OBJECT_STORE_BYTES: Final = 80_000_000
"""Next to Ray's least: what crosses is names of files and counts."""
JOIN_SECONDS: Final = 10
NODE_SECONDS: Final = 120
"""For a node's first worker to start and to answer."""
SHUTDOWN_SECONDS: Final = 10
"""For Ray's own way of ending, which waits for its parts even where one of them is dead."""
_MAX_FOLDER_CHARS: Final = 24
"""Ray makes sockets some 60 characters below its folder, and the system allows a socket's path 107."""
_KEEPER: Final = "from pipelines.ray_cluster import keep; keep()"


def load_ray() -> Any:
    """The ray package, with no word to its makers and none to our user's terminal.

    Both are settled by the environment before the first import; processes that Ray starts inherit them.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning about a future default
    os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")  # else SIGTERM prints a stack of C++
    import ray

    return ray


@dataclass(frozen=True)
class Terms:
    """What a worker must agree with before it works for us.

    Attributes:
        code: Fingerprint of our packages and of what they stand on.
        sign: A file that the driver wrote into the workspace.
    """

    code: str
    sign: str


def refusal(terms: Terms) -> str | None:
    """What is wrong with this process as a worker; None: nothing."""
    if code_fingerprint(*PACKAGES) != terms.code:
        return _OTHER_CODE.format(where=socket.gethostname())
    if not Path(terms.sign).exists():
        return _NOT_SHARED.format(where=socket.gethostname(), folder=Path(terms.sign).parents[2])
    return None


_OTHER_CODE = (
    "engine: Ray node {where} has another version of pedcorpus, or of the libraries that it stands on. Install the "
    "same on every node (`pip install -c constraints.txt 'pedcorpus[ray]'`), and start the node again."
)
_NOT_SHARED = (
    "engine: Ray node {where} does not share the folder {folder} with this machine. The store must lie on storage "
    "that every node mounts at the same path and may write to."
)
_NO_SOURCES = (
    "engine: Ray node {where} does not see the folder {folder}. Sources must lie on storage that every node mounts at "
    "the same path."
)


class Cluster:
    """A connection to a cluster; `close` ends it, and the cluster too where it is ours."""

    def __init__(self, ray: Any, is_ours: bool, keeper: subprocess.Popen[str] | None = None, folder: str = "") -> None:
        self.ray, self.is_own = ray, keeper is not None
        self._keeper, self._is_ours, self._folder = keeper, is_ours, folder

    @property
    def has_ended(self) -> bool:
        """Whether our own cluster is gone, though nobody closed it."""
        return self._keeper is not None and self._keeper.poll() is not None

    def close(self) -> None:
        """Disconnects; takes our own cluster down, and returns when none of its processes is left."""
        if self._is_ours and self.ray.is_initialized():
            self.ray.shutdown()
        if self._keeper is not None:
            _end_keeper(self._keeper)
            self._keeper = None
            shutil.rmtree(self._folder, ignore_errors=True)  # where the keeper was killed


def start_cluster(n_workers: int) -> Cluster:
    """A cluster of this machine alone, for as long as this process wants it.

    Raises:
        EngineUnavailable: Ray does not start here.
    """
    if "ray" in sys.modules and load_ray().is_initialized():
        # The calling program has a connection of its own, and there is only one to a process.
        return Cluster(load_ray(), is_ours=False)
    _lock_door()
    ray = load_ray()
    _stay_home(ray, True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(n_workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        assert keeper.stdout is not None
        said = json.loads(keeper.stdout.readline() or '{"error": "its process ended"}')
        if "error" in said:
            raise EngineUnavailable(f"engine: a local Ray cluster does not start here ({said['error']}).")
        _connect(ray, said["address"], _temp_dir=said["folder"])
    except BaseException:
        _end_keeper(keeper)
        raise
    return Cluster(ray, True, keeper, said["folder"])


def _stay_home(ray: Any, is_home: bool) -> None:
    """Has Ray's processes listen on the loopback interface alone, as our own cluster should, or on the network.

    On Linux Ray takes the network's even where it is given 127.0.0.1. Where this switch is gone, `_lock_door` is left.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0" if is_home else "1"
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = not is_home


def _lock_door() -> None:
    """A password for our own cluster, since its ports answer to anyone on this machine, who could run code as we.

    Ray reads it from the environment when it is first imported.
    """
    if not _take_key() and os.environ.setdefault("RAY_AUTH_MODE", "token") == "token":
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _take_key() -> bool:
    """Has Ray show the user's token where there is one, which it does by itself only to clusters that it starts."""
    there = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    there = there or Path("~/.ray/auth_token").expanduser().exists()
    if there:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    return there


def _end_keeper(keeper: subprocess.Popen[str]) -> None:
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.close()
    keeper.wait()
    keeper.stdout.close()


def keep() -> None:
    """The keeper's main: a cluster until standard input ends, then nothing of it."""
    parent = os.getppid()
    folder = tempfile.mkdtemp(prefix="pedcorpus-", dir=_short_folder())
    try:
        said = _start_here(int(sys.argv[1]), folder)
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        if "error" not in said and os.getppid() == parent:
            sys.stdin.read()
    finally:
        late = threading.Timer(SHUTDOWN_SECONDS, _vanish, [folder])
        late.daemon = True
        late.start()
        with contextlib.suppress(Exception):
            load_ray().shutdown()
        _vanish(folder)


def _vanish(folder: str) -> None:
    """Ends this process and what is left of its cluster: Ray's agents, in our group, notice late that it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _start_here(n_workers: int, folder: str) -> dict[str, str]:
    try:
        context = load_ray().init(
            address="local",
            num_cpus=n_workers,
            num_gpus=0,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=folder,
        )
    except Exception as error:
        return {"error": _first_line(error)}
    return {"address": context.address_info["gcs_address"], "folder": folder}


def _short_folder() -> str | None:
    """Where temporary folders go, unless that is too deep for sockets."""
    return None if len(tempfile.gettempdir()) <= _MAX_FOLDER_CHARS else "/tmp"


def join_cluster(address: str) -> Cluster:
    """A connection to a running cluster, of which this machine must be a node.

    Args:
        address: `host:port` of its head, or `auto` for the one that this machine is a node of.

    Raises:
        EngineUnavailable: nothing answers there, or it is of another release of Ray or Python.
    """
    _take_key()
    ray = load_ray()
    if ray.is_initialized():
        return Cluster(ray, is_ours=False)
    address = _running_here(ray) if address == "auto" else address
    _stay_home(ray, address.rpartition(":")[0] in ("127.0.0.1", "localhost"))
    _knock(address)
    _connect(ray, address)
    return Cluster(ray, is_ours=True)


def _running_here(ray: Any) -> str:
    """The address of the cluster that this machine is a node of."""
    with contextlib.suppress(ConnectionError):
        address = ray._private.services.get_ray_address_from_environment("auto", None)
        if isinstance(address, str) and ":" in address:
            return address
    raise EngineUnavailable(
        "engine.address: no Ray cluster runs on this machine. Start one with `ray start --head`, join one with "
        "`ray start --address=HEAD:PORT`, or leave `address:` out."
    )


def _knock(address: str) -> None:
    """Tries the port first: Ray itself asks for minutes before it says that nobody is there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=JOIN_SECONDS).close()
    except OSError as error:
        raise EngineUnavailable(
            f"engine.address: no Ray cluster answers at {address} ({error.strerror or error}). Start one there with "
            f"`ray start --head --port={port}`, or mend the address."
        ) from None


def _connect(ray: Any, address: str, **options: Any) -> None:
    with tempfile.TemporaryFile() as told:
        try:
            with _errors_to(told.fileno()):
                ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
        except Exception as error:
            with contextlib.suppress(Exception):
                ray.shutdown()
            told.seek(0)
            reason = _last_reason(told.read().decode("utf-8", "replace")) or _first_line(error)
            raise EngineUnavailable(
                f"engine.address: the Ray cluster at {address} cannot be joined ({reason}). This machine must be a "
                "node of it (`ray start --address=HEAD:PORT`), with its releases of Ray and Python and its token."
            ) from None
    # Ray prints to our standard output what we say ourselves, in a sentence: that a worker or a node was lost.
    ray._private.worker.print_to_stdstream = _say_nothing


@contextlib.contextmanager
def _errors_to(descriptor: int) -> Iterator[None]:
    """Has the standard error of this process, and of the C++ in it, go elsewhere: Ray tells of every single try."""
    kept = os.dup(2)
    try:
        os.dup2(descriptor, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _last_reason(log: str) -> str:
    """What the last line of Ray's log says, less where in its code."""
    found = re.findall(r"(?m)^\[.*?\.cc:\d+: (.*?)\.?$", log)
    return str(found[-1])[:300] if found else ""


def _say_nothing(*_: Any, **__: Any) -> None:
    """Takes what Ray would print."""


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".")[:300] if lines else type(error).__name__


def check_nodes(cluster: Cluster, root: Path, folders: Sequence[Path], env: dict[str, Any]) -> Terms:
    """The terms for workers, after every node that has processors was asked whether it meets them.

    Args:
        cluster: The cluster.
        root: The workspace; a file is written there, which every node must see and answer beside.
        folders: What else every node must see.
        env: The environment of workers, as a task's `runtime_env`.

    Raises:
        EngineUnavailable: a node has other code, does not see a folder, or does not answer.
    """
    folder = root / "tmp" / f"nodes-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    sign = folder / "driver"
    sign.write_text("here\n", "utf-8")
    terms = Terms(code_fingerprint(*PACKAGES), str(sign))
    try:
        _ask_nodes(cluster.ray, terms, [str(f) for f in folders], env)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return terms


def _ask_nodes(ray: Any, terms: Terms, folders: list[str], env: dict[str, Any]) -> None:
    sign = Path(terms.sign)
    nodes = {n["NodeID"]: n for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU")}
    probe = ray.remote(num_cpus=0, max_retries=0)(_make_probe(PACKAGES))
    there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = {}
    for node_id in nodes:
        ask = probe.options(scheduling_strategy=there(node_id=node_id, soft=False), runtime_env=env)
        asked[ask.remote(terms.sign, node_id, folders)] = node_id
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=NODE_SECONDS) if asked else ([], [])
    for ref, node_id in asked.items():
        where = f"{nodes[node_id]['NodeManagerAddress']} ({nodes[node_id].get('NodeManagerHostname', '?')})"
        if ref not in answered:
            raise EngineUnavailable(f"engine: Ray node {where} does not answer. Look at it, or take it out.")
        _judge(ray, ref, where, sign.with_name(node_id), terms)


def _judge(ray: Any, ref: Any, where: str, reply: Path, terms: Terms) -> None:
    """Raises EngineUnavailable for what a node said, or could not say; one that has left since works for nobody."""
    try:
        said = ray.get(ref)
    except ray.exceptions.TaskUnschedulableError:
        return
    except ray.exceptions.RayError as error:
        raise EngineUnavailable(f"engine: Ray node {where} cannot work ({_first_line(error)}).") from None
    if said["code"] != terms.code:
        raise EngineUnavailable(_OTHER_CODE.format(where=where))
    if not said["sees"] or not reply.exists():
        raise EngineUnavailable(_NOT_SHARED.format(where=where, folder=Path(terms.sign).parents[2]))
    if said["missing"]:
        raise EngineUnavailable(_NO_SOURCES.format(where=where, folder=said["missing"]))


def _make_probe(packages: tuple[str, ...]) -> Any:
    """A function that Ray ships whole, since it is local: it must run where our packages are not installed."""

    def probe(sign: str, node_id: str, folders: list[str]) -> dict[str, Any]:
        from pathlib import Path

        try:
            from schemas.fingerprints import code_fingerprint

            code = code_fingerprint(*packages)
        except (ImportError, AttributeError, OSError):
            code = ""
        sees = Path(sign).exists()
        if sees:
            try:
                Path(sign).with_name(node_id).write_text("here\n", "utf-8")
            except OSError:
                sees = False
        return {"code": code, "sees": sees, "missing": next((f for f in folders if not Path(f).exists()), None)}

    return probe
