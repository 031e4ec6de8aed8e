"""From a source to the store: transport and files fetch, the pipeline commits, the scheduler says when."""
