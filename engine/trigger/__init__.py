"""What starts executions: conditions of triggers of every kind."""
