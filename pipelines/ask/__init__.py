"""What is asked of an LLM about each kind of record, and what is made of the replies."""
