"""`pedcorpus check`: answers against their evidence, without a corpus.

inputs     which file, and its records a chunk at a time: JSON Lines as bytes, other tables through their readers
records    a line or a row → messages and evidence, or why it is none
run        chunks over processes, in order, with flat memory
summary    counts by verdict, check and kind, and the worst examples
show       what is printed for people
"""
