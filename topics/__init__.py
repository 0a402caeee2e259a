"""Everything that speaks the log's language: topics, ports, the step log's rules, and three logs behind the ports."""
