"""The embedded teacher: instructions built extractively from passages, triples and conversations, without any LLM."""
