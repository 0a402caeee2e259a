"""The shape of what is written in a flow, as pydantic models: one source for checks, completion and documentation.

`kinds` are the kinds of single properties, `parts` the models of what has a fixed form (a retry, an input …), `typed`
those of the types in the table, made when they are first needed. `reading` turns what pydantic complains about into
problems with a place, `documents` turns the models into JSON schema, with the sentences of `words.json`.

Rules that need more than one property at a time are in `engine/flow/rules`.
"""
