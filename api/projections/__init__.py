"""Folds of the log into SQL: what the API reads. Owns tables, folding, the tailing threads and the queries."""
