"""How a report is shown: as text (`text`), as JSON (`serial`), on a terminal (`terminal`).

Presents records and computes nothing. At the edge: nothing in the core imports it except the
presenting methods of `Report`, when they are called.
"""
