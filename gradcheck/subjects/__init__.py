"""Subjects that we did not write: networks of other libraries, as the laws ask for them.

One file a library, which imports it and names what to install where it is missing. What is judged
is the library's own: its layers, losses and optimisers, used as its documentation recommends. What
a library does not offer stays not offered, with the reason. `docs/conformance.md` shows the marks.
At the edge: uses `laws`; nothing imports these files but by name.

    gradcheck verify --laws gradcheck.subjects.torch_nn:relu
"""
