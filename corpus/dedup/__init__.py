"""`pedcorpus dedup`: near-duplicates in tables, without a corpus.

inputs     which files, and their rows: Parquet as it is, other tables as Parquet in the workspace
fold       a row group's texts ready for comparison
outputs    kept and removed rows, and the summary
run        the three of them, on an engine
"""
