# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A notebook that is a text file
# Marks are comments here, so that a diff shows them. It has no outputs: what it must give stands in its test cell.

# %%
#| flash: setup
from collections import Counter

SMALL = 3

# %%
text = "to be or not to be that is the question"

# %%
#| flash: handler name=count_words
counts = Counter(word for word in text.split() if len(word) > SMALL)
dict(sorted(counts.items()))

# %%
#| flash: test
assert count_words() == {"question": 1, "that": 1}
assert count_words(text="again and again") == {"again": 2}
