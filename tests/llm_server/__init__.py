"""A small real server that speaks OpenAI's chat completions, and goes wrong on command.

    with LlmServer(latency_s=0.01) as server:
        Endpoint(model="m", base_url=(server.base_url,), ...)
        server.plan("500", "429 retry-after=0.2", "reset")      # the next three requests, in the order they come in
        server.fail_for(0.5, "503")                             # all of them, for a while
        server.in_flight_limit = 50                             # the rest get 429
        server.requests_per_minute = 600                        # the rest get 429 with Retry-After
        server.workers = 8                                      # eight at a time, the others wait in a queue
        server.content = lambda body: "..."                     # what the model says: computed from the request's body
        server.keys = {"sk-good"}                               # any other key gets 401
        server.stats().n_successes, .n_distinct, .peak_in_flight, .cost
        server.bodies                                           # the last requests, parsed

One request alone goes wrong where its model is called `fault:KIND` (`fault:429 retry-after=1`), or with a header
`x-fault: KIND`. From outside (`python -m tests.llm_server PORT [--latency S] [--fixed]`), `POST /control` takes
`{"plan": [...], "fail_for": [0.5, "503"], "latency_s": .2, "in_flight_limit": 50, ...}`, and `GET /control` gives the
counts. Content without a `content` function: where the request has a JSON schema, the smallest object that holds to
it; else a sentence that names the request by its hash.

KIND is a word and settings (`hang seconds=2`); `tests.llm_server.faults.KINDS` lists them:

    ok                                    as if nothing were
    400 401 402 403 404 408 409 413 422 429 500 502 503 504 529
                                          that status; `retry-after=S date=S ms=MS reset=S` set its headers
    context filter unsupported            400 for a prompt too long, a content filter, a parameter (`param=seed`)
    echo                                  500 whose words hold the request's headers, the key among them
    reset  reset-middle                   the connection breaks before, or in the middle of the answer (which is billed)
    hang  drip                            nothing for `seconds=`, or a byte every `seconds=` (both billed)
    malformed  nan  html  error-200  no-choices  empty-body  bytes  nested  huge  usage
                                          an answer of 200 that is no completion, or a strange one
    fenced  empty  truncated  invalid  schema  refusal  large  null  parts  cut-by-filter  surrogate
                                          a completion whose content is not what was asked for
"""

from tests.llm_server.faults import KINDS, Kind
from tests.llm_server.server import LlmServer, Stats

__all__ = ["KINDS", "Kind", "LlmServer", "Stats"]
