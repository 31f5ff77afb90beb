"""Asks, and never buys the same reply twice: ledger, budget, form of requests, judgement, report.

async with LlmClient(settings, folder) as client:
    reply = await client.ask(Ask("writer", …))
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from pipelines.llm.account import Account, Tally
from pipelines.llm.budget import Budget, Charge, money
from pipelines.llm.desk import Desk, make_backend
from pipelines.llm.exchange import Ask, Reply
from pipelines.llm.forms import Forms, Shape
from pipelines.llm.judgement import FOLLOW_UP_IN_VAIN, Judged, judge, judge_text, next_question
from pipelines.llm.ledger import Ledger
from pipelines.llm.ledger_line import call_line
from pipelines.llm.reply_schema import ReplySchema
from pipelines.llm.settings import LlmSettings
from pipelines.llm.tokens import ReplyLengths, prompt_tokens
from pipelines.llm.wire import Backend, Completion, EndpointRefused, Interrupted, Request, TeacherStopped
from schemas.errors import ConfigError

MAX_BAD_REQUESTS: Final = 20
"""Requests that an endpoint may refuse as wrong before it ever gave a completion; more, and the run stops."""
_LEARN_FROM: Final = 200
"""Calls of earlier runs that the estimates learn from."""
_HITS_BETWEEN_TURNS: Final = 64
"""Replies out of the ledger after which others get a turn."""
_SCHEMAS: Final = 256


class _Call(NamedTuple):
    """A call that ended; `bought` now, or taken out of the ledger."""

    key: str
    judged: Judged
    bought: bool


class LlmClient:
    """Answers questions from the ledger or, where it has no reply, from the endpoints of the settings.

    Attributes:
        budget: The run's money; the `Meter` of every backend.
    """

    def __init__(self, settings: LlmSettings, folder: Path, *, backends: Mapping[str, Backend] | None = None) -> None:
        """Nothing is opened yet.

        Args:
            settings: Endpoints, prices, the cap.
            folder: Of the ledger.
            backends: By role, in place of those that the settings ask for; they are closed with the client.
        """
        self._settings, self._folder, self._given = settings, folder, dict(backends or {})
        self.budget, self._account = Budget(settings), Account()
        self._desks: dict[str, Desk] = {}
        self._schemas: dict[int, tuple[Mapping[str, Any], ReplySchema]] = {}
        self._lengths: dict[str, ReplyLengths] = {}
        self._secrets: tuple[str, ...] = ()
        self._opened: Ledger | None = None
        self._asking: dict[str, asyncio.Future[_Call | None] | None] = {}
        self._n_in_flight = self._n_hits = 0
        self._stopped: TeacherStopped | None = None
        self._idle = asyncio.Event()
        self._run, self._run_written = "", False

    async def __aenter__(self) -> LlmClient:
        """Opens the ledger.

        Raises:
            StoreError: another process asks with it.
        """
        self._opened = Ledger(self._folder)
        self._run = f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}-{os.getpid()}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Lets go of the endpoints, writes the report, closes the ledger."""
        try:
            async with AsyncExitStack() as closing:
                for desk in self._each_desk():
                    closing.push_async_callback(desk.backend.close)
        finally:
            try:
                if self._account.n_asked:
                    stop = str(self._stopped) if self._stopped else kind.__name__ if kind else ""
                    self._ledger.add_run({"run": self._run, "ended": time.time(), "stopped": stop, **self.report()})
            finally:
                self._ledger.close()

    @property
    def _ledger(self) -> Ledger:
        if self._opened is None:
            raise RuntimeError("LlmClient: `async with` opens the ledger; ask inside of it.")
        return self._opened

    def stop(self) -> int:
        """Asks nothing more; questions end with `Interrupted` when the calls in flight, so many, have ended."""
        words = "Stopped while asking. Run the same again: it goes on from here; what was bought is kept."
        self._stopped = self._stopped or Interrupted(words)
        for desk in self._each_desk():
            desk.backend.stop(words)
        return self._n_in_flight

    async def ask(self, ask: Ask) -> Reply:
        """The reply to a question, out of the ledger where it is there; a useless one is followed up once.

        Raises:
            TeacherStopped: nothing more can be asked for now. All calls in flight have ended before it is raised.
        """
        desk = self._desks.get(ask.role) or self._open_desk(ask.role)
        tally = self._account.of(ask.role, ask.prompt)
        tally.asked += 1
        try:
            return await self._answered(desk, desk.drawn(ask), tally)
        except BaseException:
            tally.stopped += 1
            raise

    async def _answered(self, desk: Desk, ask: Ask, tally: Tally) -> Reply:
        """The first question and what follows it, to the end."""
        schema = None if ask.schema is None else self._schema(ask.prompt, ask.schema)
        turns: tuple[str, ...] = ()
        previous: tuple[str, Judged] | None = None
        n_bought = n_shared = 0
        while True:
            key = desk.key(ask)
            call = self._remembered(key, schema)
            if call is None:
                if key in self._asking:
                    n_shared += 1
                    call = await self._shared(key)
                else:
                    n_bought += 1
                    turn = (turns[-1], previous[0]) if previous is not None else ("", "")
                    call = await self._bought(desk, ask, schema, tally, key, turn)
                if call is None:  # whoever asked first gave up
                    continue
            elif not call.bought:
                self._n_hits += 1
                if self._n_hits % _HITS_BETWEEN_TURNS == 0:
                    await asyncio.sleep(0)
            judged = call.judged
            if previous is not None and judged.reason in FOLLOW_UP_IN_VAIN:
                key, judged = previous
            elif judged.state == "invalid":
                window = desk.window_after(ask)
                if (following := next_question(ask, judged, schema, turns, window)) is not None:
                    turns, ask, previous = (*turns, following[0]), following[1], (key, judged)
                    continue
            reply = Reply(key, judged.state, judged.words, judged.value, judged.reason, desk.model)
            tally.answered(reply, n_bought, n_shared)
            return reply

    def _remembered(self, key: str, schema: ReplySchema | None) -> _Call | None:
        """The call out of the ledger; one that does not say what it said then, was tampered with and does not count."""
        line = self._ledger.get(key)
        if line is None:
            return None
        state, reason, text = line["state"], line["reason"], line["text"]
        if state == "ok":
            judged = judge_text(text, line["finish_reason"], schema)
            return _Call(key, judged, False) if judged.state == "ok" else None
        if state == "invalid":
            complaint = line["detail"] if reason in ("malformed", "wrong_schema") else ""
            words = judge_text(text, line["finish_reason"], None).words
            return _Call(key, Judged(state, reason, words, None, complaint), False)
        return _Call(key, Judged(state, reason, text), False)

    async def _shared(self, key: str) -> _Call | None:
        """The call that somebody else is waiting for."""
        waiting = self._asking[key]
        if waiting is None:
            waiting = self._asking[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(waiting)

    async def _bought(
        self, desk: Desk, ask: Ask, schema: ReplySchema | None, tally: Tally, key: str, turn: tuple[str, str]
    ) -> _Call:
        """A call, sent; its line is in the ledger when it is handed on."""
        if self._stopped is not None:
            raise await self._quiet(self._stopped)
        if desk.overflows(ask):
            return _Call(key, Judged("rejected", "context_overflow"), True)
        self._asking[key] = None
        counted = not desk.waits_long
        self._n_in_flight += counted
        call = stopped = None
        try:
            call = await self._sent(desk, ask, schema, tally, key, turn)
        except TeacherStopped as error:
            self._stopped = stopped = self._stopped or error
        finally:
            self._n_in_flight -= counted
            waiting = self._asking.pop(key)
            if waiting is not None and not waiting.done():
                waiting.set_result(call)
            if not self._n_in_flight and self._stopped is not None:
                self._idle.set()
        if stopped is not None:
            raise await self._quiet(stopped)
        assert call is not None
        return call

    async def _quiet(self, stopped: TeacherStopped) -> TeacherStopped:
        """What stopped the run, when the calls in flight have ended: they are paid for, and nobody else waits."""
        if self._n_in_flight:
            longest = max((d.endpoint.timeout_s for d in self._desks.values() if not d.waits_long), default=0.0)
            try:
                await asyncio.wait_for(self._idle.wait(), longest)
            except TimeoutError:
                return stopped
        return stopped

    async def _sent(
        self, desk: Desk, ask: Ask, schema: ReplySchema | None, tally: Tally, key: str, turn: tuple[str, str]
    ) -> _Call:
        forms = desk.forms(schema)
        shape: Shape | None = forms.shape
        n_attempts, charge = 0, Charge()
        while shape is not None:
            sent_as = shape
            request = desk.request(ask, forms, shape, key)
            try:
                completion = await desk.backend.complete(request)
            except BaseException:  # stopped or cancelled between two attempts; the earlier ones may have cost something
                tally.given_up(charge + self.budget.taken(request.key))
                raise
            n_attempts += completion.n_attempts
            if completion.failure != "bad_request" or not completion.status:  # without a status it was never sent
                break
            shape = forms.after_refusal(sent_as, request.body, completion.detail)
            charge += self.budget.taken(request.key)
        completion = self._without_secrets(completion)
        judged = judge(completion, schema)
        charge += self.budget.taken(request.key)
        tally.called(turn[0], completion, n_attempts, charge)
        if self._learnt(desk, forms, sent_as, request, ask, completion, judged):
            self._write(key, call_line(ask, desk.model, completion, judged, charge, n_attempts, turn))
        return _Call(key, judged, True)

    def _learnt(
        self, desk: Desk, forms: Forms, shape: Shape, request: Request, ask: Ask, completion: Completion, judged: Judged
    ) -> bool:
        """Takes in what a call shows of its endpoint; whether what came of it may be remembered.

        Raises:
            EndpointRefused: one wrong request after the other, and never a completion: it is not the questions.
        """
        if not completion.failure:
            desk.n_good += 1
            forms.works(shape)
            if judged.reason == "malformed":
                forms.not_held_to(shape)
            if completion.input_tokens > 0:
                desk.scale.learn(prompt_tokens(request.body["messages"]), completion.input_tokens)
                self._reply_lengths(ask.prompt).learn(completion.output_tokens)
            return True
        if completion.failure != "bad_request" or not completion.status or desk.n_good:
            return True
        desk.n_bad_requests += 1
        if desk.n_bad_requests >= MAX_BAD_REQUESTS * (10 if desk.waits_long else 1):
            raise EndpointRefused(
                f"llm.{ask.role}: the endpoint refuses every request as wrong, the last one with: "
                f"{completion.detail[:300] or completion.status}. Mend the endpoint's settings and run the same again."
            )
        return False

    def _write(self, key: str, line: Mapping[str, Any]) -> None:
        """Puts a call into the ledger; the first of a run makes the run known."""
        if not self._run_written:
            self._run_written = True
            self._ledger.add_run({"run": self._run, "began": time.time()})
        self._ledger.put(key, {**line, "run": self._run, "time": round(time.time(), 3)})

    def _without_secrets(self, completion: Completion) -> Completion:
        """The completion with every key that we know taken out of its texts, wherever a server put it."""
        for secret in self._secrets:
            if secret in completion.text or secret in completion.detail or secret in completion.refusal:
                completion = replace(
                    completion,
                    text=completion.text.replace(secret, "***"),
                    detail=completion.detail.replace(secret, "***"),
                    refusal=completion.refusal.replace(secret, "***"),
                )
        return completion

    def _schema(self, prompt: str, schema: Mapping[str, Any]) -> ReplySchema:
        """The schema, prepared; stages give the same object again and again."""
        found = self._schemas.get(id(schema))
        if found is not None and found[0] is schema:
            return found[1]
        equal = next((made for made in self._schemas.values() if made[0] == schema), None)
        if len(self._schemas) >= _SCHEMAS:
            self._schemas.clear()
        made = equal[1] if equal else ReplySchema(prompt, schema)
        self._schemas[id(schema)] = (schema, made)
        return made

    def _open_desk(self, role: str) -> Desk:
        """The desk of a role; roles whose endpoints are equal share one.

        Raises:
            ConfigError: the settings have nobody in that role.
        """
        endpoint = self._settings.endpoint(role)
        if endpoint is None:
            raise ConfigError([f"llm.{role}: a stage asks in this role, and no endpoint answers in it. State one."])
        same = next((desk for desk in self._desks.values() if desk.configured == endpoint), None)
        if same is None or role in self._given:
            backend = self._given.get(role) or make_backend(role, endpoint, self.budget, self._folder)
            same = Desk(role, endpoint, backend)
            if secret := same.secret():
                self._secrets = tuple({*self._secrets, secret})
            self._learn_from_ledger(same)
        self._desks[role] = same
        return same

    def _learn_from_ledger(self, desk: Desk) -> None:
        """What the last calls show of the model's tokens and of the replies' lengths."""
        for line in self._ledger.last(_LEARN_FROM):
            if line["model"] == desk.model and line["state"] == "ok":
                desk.scale.learn(prompt_tokens(line["messages"]), line["input_tokens"])
                self._reply_lengths(line["prompt"]).learn(line["output_tokens"])

    def _reply_lengths(self, prompt: str) -> ReplyLengths:
        found = self._lengths.get(prompt)
        if found is None:
            found = self._lengths[prompt] = ReplyLengths()
        return found

    def estimate(self, ask: Ask) -> tuple[int, int, float]:
        """About the prompt's tokens, the reply's, and what they cost in the settings' currency; no call is made."""
        desk = self._desks.get(ask.role) or self._open_desk(ask.role)
        n_input = round(prompt_tokens(ask.messages) * desk.scale.ratio)
        n_output = self._reply_lengths(ask.prompt).expected(ask.sampling.max_tokens)
        return n_input, n_output, float(money(self.budget.estimate(ask.role, n_input, n_output)))

    def report(self) -> dict[str, Any]:
        """What was asked, what came of it, what it cost, and what was found out about the endpoints."""
        desks: dict[int, tuple[Desk, list[str]]] = {}
        for role, desk in self._desks.items():
            desks.setdefault(id(desk), (desk, []))[1].append(role)
        ledger = {"n_calls": len(self._ledger), "n_damaged": self._ledger.n_damaged}
        return {
            **self._account.report(),
            "money": self.budget.report(),
            "endpoints": [{"roles": roles, **desk.describe()} for desk, roles in desks.values()],
            "ledger": ledger,
        }

    def _each_desk(self) -> Iterable[Desk]:
        """Every desk once, whatever roles share it."""
        return {id(desk): desk for desk in self._desks.values()}.values()

    def status(self) -> str:
        """How it goes, in a line for a progress bar."""
        found = [desk.backend.describe() for desk in self._each_desk()]
        limits = [url["in_flight_limit"] for each in found for url in each.get("urls", ())]
        taken = f" (at most {sum(limits)} at a time)" if limits else ""
        parts = [f"{self._account.calls_per_s():.3g} calls/s", f"{len(self._asking)} asked{taken}"]
        if self.budget.spent:
            cap = "" if self.budget.cap is None else f" of {money(self.budget.cap)}"
            parts.append(f"{float(money(self.budget.spent)):.4g}{cap} {self.budget.currency}")
        if self.budget.n_waiting:
            parts.append(f"{self.budget.n_waiting} wait for the budget")
        return " · ".join([*parts, *(str(each["note"]) for each in found if each.get("note"))])
