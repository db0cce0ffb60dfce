"""Derivatives where they live: checks in the shapes of other libraries.

One file a library, named after it: `gradcheck.adapters.torch`, `gradcheck.adapters.jax`,
`gradcheck.adapters.tensorflow`, `gradcheck.adapters.keras`, `gradcheck.adapters.scipy`, and
`gradcheck.adapters.stateful` for objects that keep parameters and gradients in their attributes. An
adapter translates arrays, holds the library's randomness still,
leaves what it was given as it was, and adds the questions that only that library's derivatives
raise; the judgement is that of `check`.
At the edge: nothing imports these files but by name, and `compat`.
"""
