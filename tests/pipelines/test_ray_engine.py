"""The Ray engine on real clusters of this machine: as the others, and unmoved by what dies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from corpus.build import Built, build
from corpus.config import load_config, sample_config
from corpus.plan import make_plan
from corpus.progress import Silent
from pipelines import engine as engines
from pipelines import ray_cluster
from pipelines.engine import Engine, EngineUnavailable, InlineEngine, PoolEngine, WorkerLost, make_engine
from pipelines.ray_cluster import Terms, load_ray, refusal
from pipelines.ray_engine import MAX_DEATHS, RayEngine
from schemas.errors import PartRefused
from tests.pipelines.toy import KillOnce, call, double, fail_stubbornly

pytestmark = [
    pytest.mark.slow,
    # Ray's own, of its own files and sockets.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore:.*:ResourceWarning:ray"),
]
ROOT = Path(__file__).parents[2]


def refuse(name: str) -> None:
    """Raises one of our errors, with two arguments."""
    raise PartRefused("no_text", f"{name} has no text.")


def die(marker: str) -> None:
    """Kills its worker, and leaves a mark each time."""
    Path(marker, f"{time.time_ns()}").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def node_of(seconds: float) -> str:
    """The node that it ran on."""
    time.sleep(seconds)
    node: str = load_ray().get_runtime_context().get_node_id()
    return node


def pid_of(_: int) -> int:
    """The worker that it ran in."""
    time.sleep(0.02)
    return os.getpid()


def digest(folder: Path) -> str:
    """One hash over the names and bytes of all files in a folder."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def sample_built(store: Path, progress: Silent | None = None, **engine: Any) -> Built:
    """The sample corpus, built by an engine."""
    plan = make_plan(load_config(sample_config(), store=str(store), engine=engine))
    return build(plan, progress, fresh=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the sample corpus as one process builds it."""
    return digest(sample_built(tmp_path_factory.mktemp("inline"), workers=1).version_dir)


@pytest.fixture(scope="class")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayEngine]:
    engine = make_engine("ray", 2, tmp_path_factory.mktemp("w"))
    assert isinstance(engine, RayEngine)
    yield engine
    engine.close()


@pytest.fixture(scope="class", params=["inline", "pool", "ray"])
def engine(request: pytest.FixtureRequest, cluster: RayEngine) -> Iterator[Engine]:
    if request.param == "ray":
        yield cluster
    else:
        engine = InlineEngine() if request.param == "inline" else PoolEngine(2)
        yield engine
        engine.close()


class TestOwnCluster:
    """A cluster that the engine starts on this machine; engines made meanwhile share the connection."""

    def test_every_result_comes_with_its_index(self, engine: Engine) -> None:
        assert dict(engine.map(double, range(100))) == {i: 2 * i for i in range(100)}
        assert list(engine.map(double, [])) == []
        engine.renew()
        assert dict(engine.map(double, [3])) == {0: 6}

    def test_our_errors_come_back_as_themselves(self, engine: Engine) -> None:
        with pytest.raises(PartRefused) as caught:
            list(engine.map(refuse, ["a.pdf", "b.pdf"]))
        assert str(caught.value) in ("a.pdf has no text.", "b.pdf has no text.")
        assert dict(engine.map(double, [2])) == {0: 4}

    def test_other_errors_come_back_as_something_that_names_them(self, engine: Engine) -> None:
        with pytest.raises(Exception, match="page 3: is wrong"):
            list(engine.map(fail_stubbornly, ["page 3"]))
        with pytest.raises(TypeError):
            list(engine.map(double, [None]))  # type: ignore[list-item]

    def test_a_map_that_is_left_leaves_nothing_running(self, engine: Engine) -> None:
        results = engine.map(double, range(50))
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert dict(engine.map(double, [4])) == {0: 8}

    def test_a_traceback_of_a_worker_is_kept(self, cluster: RayEngine) -> None:
        with pytest.raises(TypeError) as caught:
            list(cluster.map(double, [None]))  # type: ignore[list-item]
        assert any("toy.py" in note for note in caught.value.__notes__)

    def test_a_lost_worker_is_survived(self, cluster: RayEngine, tmp_path: Path) -> None:
        tasks = [KillOnce(str(tmp_path / f"flag{i}")) for i in range(4)]
        assert dict(cluster.map(call, tasks)) == dict.fromkeys(range(4), "done")

    def test_a_task_that_kills_every_worker_ends_in_a_sentence(self, cluster: RayEngine, tmp_path: Path) -> None:
        with pytest.raises(WorkerLost, match=rf"{MAX_DEATHS} worker processes died .* same task \(str\)"):
            list(cluster.map(die, [str(tmp_path)]))
        assert len(list(tmp_path.iterdir())) == MAX_DEATHS
        assert dict(cluster.map(double, [2])) == {0: 4}

    def test_renewing_ends_the_old_workers(self, cluster: RayEngine) -> None:
        before = set(dict(cluster.map(pid_of, range(20))).values())
        cluster.renew()
        after = set(dict(cluster.map(pid_of, range(20))).values())
        assert not before & after
        await_end([psutil.Process(pid) for pid in before if psutil.pid_exists(pid)])

    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_the_sample_is_the_same_to_the_byte(
        self, cluster: RayEngine, tmp_path: Path, sample: str, workers: int
    ) -> None:
        assert digest(sample_built(tmp_path, kind="ray", workers=workers).version_dir) == sample

    def test_workers_killed_in_the_middle_of_a_build_change_nothing(
        self, cluster: RayEngine, tmp_path: Path, sample: str
    ) -> None:
        killer = KillsWorkers()
        assert digest(sample_built(tmp_path, killer, kind="ray").version_dir) == sample
        assert killer.n_killed >= 3

    def test_other_code_on_a_node_is_refused(self, cluster: RayEngine, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(ray_cluster, "code_fingerprint", lambda *_: "older")
        with pytest.raises(EngineUnavailable, match="another version of pedcorpus"):
            make_engine("ray", 2, tmp_path)
        assert not list(tmp_path.glob("tmp/*/driver"))

    def test_a_folder_that_a_node_does_not_see_is_named(self, cluster: RayEngine, tmp_path: Path) -> None:
        with pytest.raises(EngineUnavailable, match=r"does not see the folder .*elsewhere"):
            make_engine("ray", 2, tmp_path, folders=[tmp_path, tmp_path / "elsewhere"])


class KillsWorkers(Silent):
    """Progress that kills a Ray worker of this machine at the second task of every step."""

    def __init__(self) -> None:
        self.n_killed = self._at = 0

    def begin(self, step: str, n_tasks: int) -> None:
        self._at = 0

    def advance(self) -> None:
        self._at += 1
        if self._at == 2:
            for process in psutil.Process().children(recursive=True):
                if title(process).startswith("ray::_work"):
                    process.kill()
                    self.n_killed += 1
                    break


def title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, IndexError):
        return str(process.cmdline()[0])
    return ""


def await_end(processes: list[psutil.Process], seconds: float = 15) -> None:
    """Fails unless all of them end."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


class TestWhatAClusterLeaves:
    """Processes and folders."""

    DRIVER = (
        "import sys, time; from pathlib import Path; from pipelines.engine import make_engine\n"
        "engine = make_engine('ray', 2, Path(sys.argv[1]))\n"
        "print('ready', flush=True); list(engine.map(time.sleep, [100] * 4))"
    )

    def test_a_driver_that_is_killed_leaves_no_process(self, tmp_path: Path) -> None:
        driver = subprocess.Popen(
            [sys.executable, "-c", self.DRIVER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        time.sleep(1)
        processes = psutil.Process(driver.pid).children(recursive=True)
        assert len(processes) > 5
        driver.kill()
        driver.wait()
        driver.stdout.close()
        await_end(processes)

    def test_a_build_through_the_command_is_the_same_and_quiet(self, tmp_path: Path, sample: str) -> None:
        temporary = tempfile.mkdtemp(prefix="t", dir="/tmp")  # short, or Ray's folder would be elsewhere
        command = [sys.executable, "-m", "corpus.cli", "build", "--store", str(tmp_path)]
        done = subprocess.run(
            [*command, "--engine", "ray", "--workers", "2", "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "TMPDIR": temporary},
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("{")
        assert digest(tmp_path / "pedcorpus-sample" / "versions" / "0.1.0") == sample
        assert not list((tmp_path / "pedcorpus-sample" / "work" / "tmp").iterdir())
        os.rmdir(temporary)  # fails where anything is left


@pytest.fixture(scope="class")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one processor each, on the loopback interface."""
    ray = load_ray()
    ray_cluster._lock_door()
    ray_cluster._stay_home(ray, True)
    from ray.cluster_utils import Cluster

    settings = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=settings)
    nodes.add_node(**settings)
    yield nodes
    nodes.shutdown()


class TestJoinedCluster:
    """A cluster that was there before the engine."""

    def test_both_nodes_work_and_the_cluster_is_left_alone(self, two_nodes: Any, tmp_path: Path) -> None:
        for _ in range(2):
            engine = make_engine("ray", None, tmp_path, address=two_nodes.address)
            try:
                assert len(set(dict(engine.map(node_of, [0.1] * 20)).values())) == 2
            finally:
                engine.close()

    def test_the_sample_is_the_same_to_the_byte(self, two_nodes: Any, tmp_path: Path, sample: str) -> None:
        built = sample_built(tmp_path, kind="ray", address=two_nodes.address)
        assert digest(built.version_dir) == sample

    def test_a_node_lost_in_the_middle_is_survived(self, two_nodes: Any, tmp_path: Path) -> None:
        lost = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
        engine = make_engine("ray", None, tmp_path, address=two_nodes.address)
        try:
            results = engine.map(node_of, [0.3] * 30)
            seen = [next(results) for _ in range(5)]
            two_nodes.remove_node(lost, allow_graceful=False)
            seen.extend(results)
        finally:
            engine.close()
        assert sorted(index for index, _ in seen) == list(range(30))

    def test_workers_bound_what_runs_at_a_time(self, two_nodes: Any, tmp_path: Path) -> None:
        engine = make_engine("ray", 1, tmp_path, address=two_nodes.address)
        try:
            began = time.monotonic()
            list(engine.map(time.sleep, [0.2] * 5))
            assert time.monotonic() - began >= 1
        finally:
            engine.close()


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'pedcorpus\[ray\]'"):
        make_engine("ray", 2, tmp_path)


def test_an_address_where_nobody_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"no Ray cluster answers at 127\.0\.0\.1:1 "):
        make_engine("ray", 2, tmp_path, address="127.0.0.1:1")


def test_a_worker_refuses_other_code_and_another_disk(tmp_path: Path) -> None:
    code = ray_cluster.code_fingerprint(*ray_cluster.PACKAGES)
    sign = tmp_path / "tmp" / "nodes" / "driver"
    assert "does not share the folder" in (refusal(Terms(code, str(sign))) or "")
    sign.parent.mkdir(parents=True)
    sign.touch()
    assert "another version" in (refusal(Terms("other", str(sign))) or "")
    assert refusal(Terms(code, str(sign))) is None
