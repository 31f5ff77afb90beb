"""Near-duplicates: which texts say the same in nearly the same letters.

    comparison    text → code units to compare, and a hash of its strict facts (numbers, negations, signs)
    prepared      those, by partition of the hash, in files
    candidates    pairs worth a look: all of a small group, MinHash bands in a large one
    exact_join    the same without a miss: a prefix-filter join
    similarity    the real check: Levenshtein or Jaccard, field by field
    guard         what may not differ: units, ages, negations, comparators, drugs, diseases
    clusters      connected texts, and for each a keeper that it is itself similar to
    tasks         all of it as tasks that any engine runs

Two texts that differ in a number are no duplicates, so equal strict facts are asked for before anything else. Texts
with equal facts lie in one partition: after one shuffle every partition is decided by itself.
"""
