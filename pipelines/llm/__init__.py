"""The teacher that is a large language model: what is asked, what comes back, and what it costs.

exchange    a question to a role and its reply; the key that the ledger knows it by
settings    endpoints by role, limits, prices, the budget
wire        one HTTP request and its completion; what stops a run
stage       a stage whose work is asking: one job, a generator of questions, for each row
run         runs the jobs of a stage over shards, through a client
"""
